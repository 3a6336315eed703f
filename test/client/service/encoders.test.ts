import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { proofOnce } from '../../../client/service/encoders.js';
import { openSpeedStore } from '../../../client/store/speeds.js';
import { temporaryFolder } from '../../support/cleanup.js';

test('a proof that could not be written down is made again', async () => {
  const folder = join(await temporaryFolder(), 'state');
  const speeds = await openSpeedStore(folder, 'read-only');
  const proof = proofOnce(folder, speeds, () => undefined);
  await writeFile(folder, 'no folder');
  await expect(proof()).rejects.toThrow('EEXIST');
  await rm(folder);
  await mkdir(folder);
  expect(await proof()).toBe(true);
});
