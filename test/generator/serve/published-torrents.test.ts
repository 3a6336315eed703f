import { mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { watchPublishedTorrents } from '../../../generator/serve/published-torrents.js';
import { noise } from '../../support/chunks.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { makeTorrent, type MadeTorrent } from '../../support/torrents.js';

const made = async (seed: number): Promise<MadeTorrent> =>
  makeTorrent(await temporaryFolder(), 'a', { a: noise(1000, seed) }, { announce: ['http://t/'] });
const LONG_AGO = new Date('2026-01-01');

test('no folder, torrents that come, are replaced and go; the newest is the first', async () => {
  const folder = await temporaryFolder();
  const torrents = join(folder, 'torrents');
  const published = watchPublishedTorrents(folder, expect.unreachable);
  const hashes = async (): Promise<string[]> => {
    await published.refresh();
    return [...published.all().keys()];
  };
  expect(await hashes()).toEqual([]);
  await mkdir(torrents);
  const [one, two, three] = [await made(1), await made(2), await made(3)];
  await writeFile(join(torrents, 'one.torrent'), one.torrent);
  await utimes(join(torrents, 'one.torrent'), LONG_AGO, LONG_AGO);
  await writeFile(join(torrents, 'two.torrent'), two.torrent);
  await writeFile(join(torrents, 'whitelist'), 'no torrent');
  await writeFile(join(torrents, '.three.torrent'), three.torrent);
  expect(await hashes()).toEqual([two.info.infoHash, one.info.infoHash]);
  const [first] = published.all().values();
  expect(first).toMatchObject({ trackers: ['http://t/'], objects: 1 });
  await rename(join(torrents, '.three.torrent'), join(torrents, 'one.torrent'));
  await rm(join(torrents, 'two.torrent'));
  expect(await hashes()).toEqual([three.info.infoHash]);
  await rm(torrents, { recursive: true });
  expect(await hashes()).toEqual([]);
});

test('what is no torrent is told once, until it is another file', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'torrents/bad.torrent');
  await mkdir(join(folder, 'torrents'));
  await writeFile(path, 'd4:infoe');
  const warnings: string[] = [];
  const published = watchPublishedTorrents(folder, (text) => warnings.push(text));
  for (let round = 0; round < 3; round++) await published.refresh();
  expect(warnings).toHaveLength(1);
  const good = await made(1);
  await writeFile(path, good.torrent);
  await published.refresh();
  expect([...published.all().keys()]).toEqual([good.info.infoHash]);
});
