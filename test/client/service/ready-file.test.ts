import { join } from 'node:path';
import { expect, test } from 'vitest';

import { openReadyFile } from '../../../client/service/ready-file.js';
import { exists } from '../../../shared/io/files.js';
import { temporaryFolder } from '../../support/cleanup.js';

test('it follows what is found, from doubt to doubt', async () => {
  const path = join(await temporaryFolder(), 'ok');
  const ready = openReadyFile(path);
  await ready.doubt();
  expect(await exists(path)).toBe(true);
  await ready.settle(() => Promise.resolve(false));
  expect(await exists(path)).toBe(false);
  await ready.settle(() => Promise.resolve(true));
  expect(await exists(path)).toBe(true);
  await ready.remove();
  expect(await exists(path)).toBe(false);
});

test('what was found before a doubt says nothing about it', async () => {
  const path = join(await temporaryFolder(), 'ok');
  const ready = openReadyFile(path);
  await ready.settle(async () => {
    await ready.doubt();
    return false;
  });
  expect(await exists(path)).toBe(true);
});

test('a service that has ended does not bring it back', async () => {
  const path = join(await temporaryFolder(), 'ok');
  const ready = openReadyFile(path);
  await ready.settle(async () => {
    await ready.remove();
    return true;
  });
  expect(await exists(path)).toBe(false);
});
