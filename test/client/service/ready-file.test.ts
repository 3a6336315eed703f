import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { openReadyFile } from '../../../client/service/ready-file.js';
import { exists } from '../../../shared/io/files.js';
import { temporaryFolder } from '../../support/cleanup.js';

const NONE = new Set<string>();
const SOME = new Set(['a', 'b']);

test('it follows what is found, from doubt to doubt', async () => {
  const path = join(await temporaryFolder(), 'ok');
  const ready = openReadyFile(path);
  await ready.doubt();
  expect(await exists(path)).toBe(true);
  expect((await stat(path)).size).toBe(0);
  await ready.settle(() => Promise.resolve(NONE));
  expect(await exists(path)).toBe(false);
  await ready.settle(() => Promise.resolve(SOME));
  expect(await readFile(path, 'utf8')).toBe('a\nb\n');
  // Whatever the umask: the method that reads it is another user's.
  expect((await stat(path)).mode & 0o777).toBe(0o644);
  await ready.remove();
  expect(await exists(path)).toBe(false);
});

test('what was found before a doubt says nothing about it', async () => {
  const path = join(await temporaryFolder(), 'ok');
  const ready = openReadyFile(path);
  await ready.settle(async () => {
    await ready.doubt();
    return NONE;
  });
  expect(await exists(path)).toBe(true);
});

test('a service that has ended does not bring it back', async () => {
  const path = join(await temporaryFolder(), 'ok');
  const ready = openReadyFile(path);
  await ready.settle(async () => {
    await ready.remove();
    return SOME;
  });
  expect(await exists(path)).toBe(false);
});
