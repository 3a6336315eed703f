import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { writeWhitelist } from '../../../generator/steps/write-whitelist.js';
import { temporaryFolder } from '../../support/cleanup.js';

const hash = (digit: string): string => digit.repeat(40);

test('all info hashes once, sorted, and no new file when they are the same', async () => {
  const out = await temporaryFolder();
  const path = join(out, 'torrents/whitelist');
  const batches = [{ name: 'b', infoHash: hash('c') }];
  const debTorrents = ['b', 'c', 'a'].map((digit) => ({
    sha256: hash(digit),
    infoHash: hash(digit),
    filename: 'x',
  }));
  await writeWhitelist({ batches, debTorrents }, out);
  const text = ['a', 'b', 'c'].map((digit) => `${hash(digit)}\n`).join('');
  expect(await readFile(path, 'utf8')).toBe(text);
  const { ino } = await stat(path);
  await writeWhitelist({ batches, debTorrents }, out);
  expect((await stat(path)).ino).toBe(ino);
  await writeFile(path, 'damaged');
  await writeWhitelist({ batches, debTorrents }, out);
  expect(await readFile(path, 'utf8')).toBe(text);
});
