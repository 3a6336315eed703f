import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { openPartFile, removeStaleParts } from '../../../client/download/part-file.js';
import { sha256 } from '../../../shared/io/hash.js';
import { noise } from '../../support/chunks.js';
import { temporaryFolder } from '../../support/cleanup.js';

const content = noise(10_000);
const hash = sha256(content);

test('a second run goes on where the first one was', async () => {
  const folder = await temporaryFolder();
  const first = await openPartFile(folder, hash, content.length);
  expect(await first.write(2000, content.subarray(2000, 5000))).toBe(3000);
  expect(await first.write(4000, content.subarray(4000, 6000))).toBe(1000);
  await first.close();
  const second = await openPartFile(folder, hash, content.length);
  expect(second.missing()).toEqual([
    { start: 0, end: 2000 },
    { start: 6000, end: 10_000 },
  ]);
  await second.write(0, content.subarray(0, 2000));
  await second.write(6000, content.subarray(6000));
  expect([second.complete(), await second.verify()]).toEqual([true, true]);
  await second.moveTo(join(folder, 'sub', 'done'));
  await second.close();
  expect((await readFile(join(folder, 'sub', 'done'))).equals(content)).toBe(true);
});

test.each([
  ['is no JSON', '{"version":1,"size":10000,"he'],
  ['is of another version', '{"version":2,"size":10000,"held":[[0,5000]]}'],
  ['is of another size', '{"version":1,"size":9999,"held":[[0,5000]]}'],
  ['claims bytes behind the end', '{"version":1,"size":10000,"held":[[0,10001]]}'],
  ['has a reversed range', '{"version":1,"size":10000,"held":[[5,3]]}'],
  ['has other fields', '{"version":1,"size":10000,"held":[],"x":1}'],
])('a sidecar that %s means: start again', async (_, text) => {
  const folder = await temporaryFolder();
  const first = await openPartFile(folder, hash, content.length);
  await first.write(0, content);
  await first.close();
  await writeFile(join(folder, `${hash}.part.json`), text);
  const second = await openPartFile(folder, hash, content.length);
  expect(second.missing()).toEqual([{ start: 0, end: content.length }]);
  await second.close();
});

test('a part file of another length means: start again', async () => {
  const folder = await temporaryFolder();
  const first = await openPartFile(folder, hash, content.length);
  await first.write(0, content);
  await first.close();
  await writeFile(join(folder, `${hash}.part`), 'short');
  const second = await openPartFile(folder, hash, content.length);
  expect(second.missing()).toEqual([{ start: 0, end: content.length }]);
  await second.close();
});

test('a symbolic link in the place of a part file is not followed', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'p'));
  await writeFile(join(folder, 'victim'), 'precious');
  await symlink(join(folder, 'victim'), join(folder, 'p', `${hash}.part`));
  await expect(openPartFile(join(folder, 'p'), hash, 5)).rejects.toThrow();
  expect(await readFile(join(folder, 'victim'), 'utf8')).toBe('precious');
  await rename(join(folder, 'victim'), join(folder, 'victim2'));
});

test('what is held already is not written over', async () => {
  const folder = await temporaryFolder();
  const part = await openPartFile(folder, hash, content.length);
  await part.write(2000, content.subarray(2000, 5000));
  expect(await part.write(0, Buffer.alloc(content.length))).toBe(7000);
  const written = await readFile(part.path);
  expect(written.subarray(2000, 5000).equals(content.subarray(2000, 5000))).toBe(true);
  expect(written.subarray(0, 2000).equals(Buffer.alloc(2000))).toBe(true);
  await part.close();
});

test('starting again leaves alone what peers still read', async () => {
  const folder = await temporaryFolder();
  const part = await openPartFile(folder, hash, content.length);
  await part.write(0, content);
  const reader = await open(part.path, 'r');
  await part.reset();
  expect(part.missing()).toEqual([{ start: 0, end: content.length }]);
  await part.write(0, Buffer.alloc(content.length));
  expect((await reader.readFile()).equals(content)).toBe(true);
  await reader.close();
  await part.close();
});

test('what nobody goes on with is removed after two weeks', async () => {
  const folder = await temporaryFolder();
  const [old, young] = [`${'a'.repeat(64)}.part`, `${'b'.repeat(64)}.part`];
  for (const name of [old, `${old}.json`, young, 'other.part']) {
    await writeFile(join(folder, name), 'x');
    const days = name === young ? 13 : 15;
    const at = new Date(Date.now() - days * 24 * 3_600_000);
    await utimes(join(folder, name), at, at);
  }
  await removeStaleParts(folder);
  expect((await readdir(folder)).sort()).toEqual([young, 'other.part']);
  await removeStaleParts(join(folder, 'none'));
});
