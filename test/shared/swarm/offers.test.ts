import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { countBytes } from '../../../shared/io/byte-ranges.js';
import { startSwarm, type Swarm } from '../../../shared/swarm/swarm.js';
import { noise } from '../../support/chunks.js';
import { closing, temporaryFolder, until } from '../../support/cleanup.js';
import { killSwarm } from '../../support/kill-swarm.js';
import { callRaw, MESSAGES } from '../../support/raw-caller.js';
import { makeHole, makeTorrent, type MadeTorrent } from '../../support/torrents.js';

const host = '127.0.0.1';

interface Offering {
  readonly swarm: Swarm;
  /** Info hashes that were loaded, in order. */
  readonly loaded: string[];
  readonly warnings: string[];
}

const offering = async (
  made: readonly MadeTorrent[],
  more: { port?: number; lost?: boolean } = {},
): Promise<Offering> => {
  const loaded: string[] = [];
  const warnings: string[] = [];
  const swarm = closing(
    await startSwarm({
      host,
      port: more.port ?? 0,
      upload: true,
      onWarning: (text) => warnings.push(text),
      loadOffer: (infoHash) => {
        loaded.push(infoHash);
        const found = made.find(({ info }) => info.infoHash === infoHash);
        return Promise.resolve(more.lost === true ? null : (found ?? null));
      },
    }),
  );
  swarm.offer(made.map(({ info }) => ({ infoHash: info.infoHash, trackers: [] })));
  return { swarm, loaded, warnings };
};

interface Fetching {
  readonly path: string;
  readonly verified: () => number;
}

const fetching = async (made: MadeTorrent, from: Swarm): Promise<Fetching> => {
  const folder = await temporaryFolder();
  const files = await Promise.all(
    made.info.files.map(async ({ length }, index) => {
      await mkdir(join(folder, String(index)));
      const path = await makeHole(join(folder, String(index), 'part'), length);
      return { index, path, missing: [{ start: 0, end: length }] };
    }),
  );
  const ranges: { start: number; end: number }[] = [];
  const swarm = closing(await startSwarm({ host, upload: false }));
  swarm.download(
    {
      torrent: made.torrent,
      trackers: [],
      peers: [`${host}:${from.port}`],
      start: { file: 0, offset: 0 },
      files,
    },
    (event) => {
      if (event.kind === 'verified') ranges.push(event);
    },
  );
  return { path: files[0]?.path ?? '', verified: () => countBytes(ranges) };
};

const makeMany = async (count: number): Promise<MadeTorrent[]> => {
  const folder = await temporaryFolder();
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      makeTorrent(join(folder, String(index)), 'a', { a: noise(50_000, index + 1) }),
    ),
  );
};

test('an offered torrent is loaded once somebody asks for it, and no other', async () => {
  const made = await makeMany(20);
  const { swarm, loaded, warnings } = await offering(made);
  const wanted = made[7] as MadeTorrent;
  const clients = await Promise.all([fetching(wanted, swarm), fetching(wanted, swarm)]);
  await until(() => clients.every(({ verified }) => verified() === 50_000));
  for (const { path } of clients) {
    expect(noise(50_000, 8).equals(await readFile(path))).toBe(true);
  }
  expect([loaded, warnings]).toEqual([[wanted.info.infoHash], []]);
  await until(() => swarm.activity().torrents === 1);
});

test('all files of a batch are given, though few are open at a time', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => [`f${index}`, noise(20_000, index)]),
  );
  const made = await makeTorrent(await temporaryFolder(), 'batch', files);
  const { swarm } = await offering([made]);
  const { verified } = await fetching(made, swarm);
  await until(() => verified() === 600_000);
});

test('a file that differs from its torrent is not given away, and not offered any more', async () => {
  const [made] = (await makeMany(1)) as [MadeTorrent];
  await writeFile(made.paths[0] ?? '', noise(50_000, 99));
  const { swarm, loaded, warnings } = await offering([made]);
  const { verified } = await fetching(made, swarm);
  await until(() => warnings.length === 1);
  expect([verified(), warnings[0]]).toEqual([0, expect.stringContaining('differ')]);
  const again = await fetching(made, swarm);
  await until(() => swarm.activity().torrents === 0);
  expect([again.verified(), loaded]).toEqual([0, [made.info.infoHash]]);
});

test('what is gone, was withdrawn, or was never offered ends the connection', async () => {
  const [made, never] = (await makeMany(2)) as [MadeTorrent, MadeTorrent];
  const { swarm, loaded } = await offering([made], { lost: true });
  const ended = async ({ info }: MadeTorrent): Promise<void> => {
    const caller = closing(await callRaw(swarm.port, info));
    await until(caller.ended);
    expect(caller.received()).toBe(0);
  };
  await ended(made);
  await ended(never);
  swarm.withdraw([made.info.infoHash]);
  await ended(made);
  expect(loaded).toEqual([made.info.infoHash]);
});

test('who is interested while a torrent is loaded is served, who leaves is forgotten', async () => {
  const [made] = (await makeMany(1)) as [MadeTorrent];
  const { swarm } = await offering([made]);
  const hasty = closing(await callRaw(swarm.port, made.info));
  const leaving = await callRaw(swarm.port, made.info);
  hasty.send(MESSAGES.interested);
  leaving.close();
  const request = Buffer.alloc(12);
  request.writeUInt32BE(16_384, 8);
  while (hasty.received() < 16_384) {
    hasty.send(MESSAGES.request, request);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await until(() => swarm.activity().peers === 1);
});

test('killed, the process offers the same again', async () => {
  const [made] = (await makeMany(1)) as [MadeTorrent];
  const { swarm } = await offering([made]);
  const first = await killSwarm(swarm);
  await until(() => swarm.pid() !== null && swarm.pid() !== first);
  const { verified } = await fetching(made, swarm);
  await until(() => verified() === 50_000);
});
