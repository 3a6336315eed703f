import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { openBannedPeers } from '../../../client/store/banned-peers.js';
import { temporaryFolder } from '../../support/cleanup.js';

const DAY = 24 * 60 * 60 * 1000;
const at = (day: number) => (): Date => new Date(day * DAY);

test('bans last over runs, for a week', async () => {
  const folder = await temporaryFolder();
  const bans = await openBannedPeers(folder, at(1));
  await bans.add('192.0.2.1');
  await bans.add('2001:db8::1');
  await bans.add('2001:db8::2');
  const both = ['192.0.2.1', '2001:db8:0:0::/64'];
  expect((await openBannedPeers(folder, at(7))).addresses).toEqual(both);
  expect((await openBannedPeers(folder, at(9))).addresses).toEqual([]);
});

test('there are a thousand at most, and none twice', async () => {
  const folder = await temporaryFolder();
  const bans = await openBannedPeers(folder, at(1));
  const addresses = Array.from({ length: 1100 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  await Promise.all([...addresses, ...addresses.slice(-5)].map((address) => bans.add(address)));
  expect((await openBannedPeers(folder, at(1))).addresses).toEqual(addresses.slice(-1000));
});

test('a damaged file, or one that somebody else wrote, bans nobody', async () => {
  const folder = await temporaryFolder();
  await (await openBannedPeers(folder, at(1))).add('192.0.2.1');
  const path = join(folder, 'banned-peers.json');
  const text = await readFile(path, 'utf8');
  for (const bad of [text.slice(3), text.replace('192.0.2.1', '0.0.0.0/0')]) {
    await writeFile(path, bad);
    expect((await openBannedPeers(folder, at(1))).addresses).toEqual([]);
  }
});
