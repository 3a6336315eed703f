import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { watchLimits } from '../../../client/confinement/watch-limits.js';
import { temporaryFolder, until } from '../../support/cleanup.js';

test('what cannot be looked at any more is ended, and nothing else', async () => {
  const parent = join(await temporaryFolder(), 'finished');
  await mkdir(join(parent, 'work'), { recursive: true });
  const limits = { memoryBytes: 1e9, cpuSeconds: 9, wallSeconds: 100, diskBytes: 1e9 };
  const watch = await watchLimits(join(parent, 'work'), limits);
  // As after the end of a worker whose files are still being counted.
  await rm(parent, { recursive: true });
  await until(() => watch.signal.aborted);
  await watch.stop();
  expect(watch.signal.reason).toMatchObject({ code: 'io-failed' });
});
