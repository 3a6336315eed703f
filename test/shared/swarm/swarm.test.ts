import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import {
  addRange,
  countBytes,
  type ByteRange,
  type ByteRanges,
} from '../../../shared/io/byte-ranges.js';
import type { FileSupply } from '../../../shared/swarm/supply.js';
import { startSwarm, type Swarm, type TorrentEvent } from '../../../shared/swarm/swarm.js';
import { killSwarm } from '../../support/kill-swarm.js';
import { noise } from '../../support/chunks.js';
import { closing, temporaryFolder, until } from '../../support/cleanup.js';
import { extendedHandshake, startRawPeer } from '../../../bench/swarm/raw-peer.js';
import { makeHole, makeTorrent, type MadeTorrent } from '../../support/torrents.js';

const host = '127.0.0.1';
const KIB = 1024;

const seeder = async (...seeds: MadeTorrent[]): Promise<Swarm> => {
  const swarm = closing(await startSwarm({ host, upload: true }));
  for (const { torrent, paths } of seeds) await swarm.seed({ torrent, paths, trackers: [] });
  return swarm;
};
const leecher = async (options: Partial<Parameters<typeof startSwarm>[0]> = {}): Promise<Swarm> =>
  closing(await startSwarm({ host, upload: false, ...options }));
const addressOf = (swarm: Swarm): string => `${host}:${swarm.port}`;

interface Watched {
  readonly path: string;
  readonly events: TorrentEvent[];
  readonly verified: (file?: number) => number;
  readonly stop: () => void;
  readonly want: (file: number, missing: ByteRanges) => void;
  readonly held: (file: number, range: ByteRange) => void;
  readonly release: (file: number) => Promise<void>;
}

const download = async (
  swarm: Swarm,
  made: MadeTorrent,
  folder: string,
  peers: string[],
  index = 0,
): Promise<Watched> => {
  const size = made.info.files[index]?.length ?? 0;
  const path = await makeHole(join(folder, `${made.info.infoHash}.part`), size);
  const events: TorrentEvent[] = [];
  const joined = swarm.download(
    {
      torrent: made.torrent,
      trackers: [],
      peers,
      start: { file: 0, offset: 0 },
      files: [{ index, path, missing: [{ start: 0, end: size }] }],
    },
    (event) => events.push(event),
  );
  const verified = (file = index): number =>
    countBytes(
      events.filter((event) => event.kind === 'verified').filter((event) => event.file === file),
    );
  return { path, events, verified, ...joined };
};
const failure = (watched: Watched): TorrentEvent | undefined =>
  watched.events.find(({ kind }) => kind === 'failed');

describe('a swarm of two', () => {
  test('a single file arrives, verified, with its source', async () => {
    const folder = await temporaryFolder();
    const content = noise(300_000);
    const made = await makeTorrent(join(folder, 'seed'), 'a.deb', { 'a.deb': content });
    const watched = await download(await leecher(), made, folder, [addressOf(await seeder(made))]);
    await until(() => watched.verified() === content.length);
    expect(content.equals(await readFile(watched.path))).toBe(true);
    await until(() => watched.events.some(({ kind }) => kind === 'traffic'));
    const traffic = watched.events.findLast(({ kind }) => kind === 'traffic');
    expect(traffic).toMatchObject({ received: { [host]: content.length } });
  });

  test('one file of a batch: neighbours at the piece edges create nothing', async () => {
    const folder = await temporaryFolder();
    const files = Object.fromEntries(
      ['a', 'b', 'c/d'].map((name, i) => [name, noise(50_000 + i, i)] as const),
    );
    const made = await makeTorrent(join(folder, 'seed'), 'batch', files);
    await rm(join(folder, 'parts'), { recursive: true, force: true });
    const watched = await download(
      await leecher(),
      made,
      folder,
      [addressOf(await seeder(made))],
      1,
    );
    await until(() => watched.verified() === 50_001);
    expect(files['b']?.equals(await readFile(watched.path))).toBe(true);
    expect((await readdir(folder)).sort()).toEqual([`${made.info.infoHash}.part`, 'seed']);
  });

  test('an unwanted range is not fetched, and a range wanted again is', async () => {
    const folder = await temporaryFolder();
    const content = noise(64 * 16 * KIB);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const swarm = await leecher();
    const watched = await download(swarm, made, folder, []);
    const half = content.length / 2;
    watched.want(0, [{ start: 0, end: half }]);
    watched.stop();
    const again = await download(swarm, made, folder, [addressOf(await seeder(made))]);
    again.want(0, [{ start: half, end: content.length }]);
    await until(() => again.verified() >= half);
    again.want(0, [{ start: 0, end: content.length }]);
    await until(() => again.verified() === content.length);
    expect(content.equals(await readFile(again.path))).toBe(true);
  });

  test('a leecher that may upload serves the edges of its pieces from memory', async () => {
    const folder = await temporaryFolder();
    const files = { a: noise(20_000, 1), b: noise(20_000, 2), c: noise(20_000, 3) };
    const made = await makeTorrent(join(folder, 'seed'), 'batch', files);
    const first = await seeder(made);
    const middle = await leecher({ upload: true });
    const got = await download(middle, made, folder, [addressOf(first)], 1);
    await until(() => got.verified() === 20_000);
    await first.close();
    await rm(join(folder, 'seed'), { recursive: true });
    const target = join(folder, 'second');
    await mkdir(target);
    const last = await download(await leecher(), made, target, [addressOf(middle)], 1);
    await until(() => last.verified() === 20_000);
    expect(files.b.equals(await readFile(last.path))).toBe(true);
  });

  test('what others have written is given to peers, as far as it is right', async () => {
    const folder = await temporaryFolder();
    const content = noise(320_000);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const middle = await leecher({ upload: true });
    const first = await download(middle, made, folder, []);
    const half = 10 * 16 * KIB;
    await writeFile(first.path, Buffer.concat([Buffer.alloc(half), content.subarray(half)]));
    first.held(0, { start: 0, end: content.length });
    const target = join(folder, 'second');
    await mkdir(target);
    const last = await download(await leecher(), made, target, [addressOf(middle)]);
    await until(() => last.verified() === content.length - half);
    await writeFile(first.path, content);
    first.held(0, { start: 0, end: half });
    await until(() => last.verified() === content.length);
    expect(failure(first) ?? failure(last)).toBeUndefined();
  });

  test('who leaves right after a release still hears of it, and may come back at once', async () => {
    const folder = await temporaryFolder();
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: noise(64 * KIB) });
    const swarm = await leecher();
    const first = await download(swarm, made, folder, []);
    const released = first.release(0);
    first.stop();
    const second = await download(swarm, made, folder, []);
    const again = second.release(0);
    await released;
    await again;
    second.stop();
    const third = await download(swarm, made, folder, []);
    const last = third.release(0);
    third.stop();
    await swarm.close();
    await last;
  });

  test('a finished file is given to peers until the torrent is left, wherever it is moved', async () => {
    const folder = await temporaryFolder();
    const files = { a: noise(100_000, 1), b: noise(100_000, 2) };
    const made = await makeTorrent(join(folder, 'seed'), 'batch', files);
    const first = await seeder(made);
    const middle = await leecher({ upload: true });
    const got = await download(middle, made, folder, [addressOf(first)], 1);
    await until(() => got.verified() === 100_000);
    await first.close();
    await got.release(1);
    await rm(got.path);
    const target = join(folder, 'second');
    await mkdir(target);
    const last = await download(await leecher(), made, target, [addressOf(middle)], 1);
    await until(() => last.verified() === 100_000);
    expect(files.b.equals(await readFile(last.path))).toBe(true);
  });

  test('clients are told what peers have, and divide the rest among themselves', async () => {
    const folder = await temporaryFolder();
    const content = noise(4 * KIB * KIB);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const supplies: ByteRanges[] = [];
    const watched: Watched[] = [];
    const peers: string[] = [];
    for (const name of ['one', 'two']) {
      await mkdir(join(folder, name));
      const swarm = await leecher({ upload: true });
      watched.push(await download(swarm, made, join(folder, name), peers));
      peers.push(addressOf(swarm));
    }
    const [one, two] = watched;
    const supplyOf = (client: Watched | undefined): FileSupply | undefined => {
      const events = client?.events ?? [];
      const event = events.findLast(({ kind }) => kind === 'supply');
      return event?.kind === 'supply' && event.supply.peers === 1
        ? event.supply.files[0]
        : undefined;
    };
    await until(() => supplyOf(one) !== undefined && supplyOf(two) !== undefined);
    supplies.push(supplyOf(one)?.ours ?? [], supplyOf(two)?.ours ?? []);
    expect(supplies.map(countBytes)).not.toContain(0);
    // Each byte is one client's.
    expect(countBytes(supplies.flat())).toBe(content.length);
    expect(countBytes(supplies.flat().reduce<ByteRanges>(addRange, []))).toBe(content.length);

    await writeFile(one?.path ?? '', content);
    one?.held(0, { start: 0, end: content.length / 2 });
    await until(() => two?.verified() === content.length / 2);
    await until(() => countBytes(supplyOf(one)?.ours ?? []) < content.length / 2);
  });
});

describe('seeding', () => {
  test('refuses a file that is missing', async () => {
    const folder = await temporaryFolder();
    const made = await makeTorrent(folder, 'a', { a: noise(40_000) });
    await rm(join(folder, 'a'));
    const swarm = await leecher({ upload: true });
    await expect(
      swarm.seed({ torrent: made.torrent, paths: made.paths, trackers: [] }),
    ).rejects.toMatchObject({ code: 'swarm-failed' });
  });

  test('refuses a file whose content differs', async () => {
    const folder = await temporaryFolder();
    const made = await makeTorrent(folder, 'a', { a: noise(40_000) });
    await makeTorrent(folder, 'a', { a: noise(40_000, 2) });
    const swarm = await leecher({ upload: true });
    await expect(
      swarm.seed({ torrent: made.torrent, paths: made.paths, trackers: [] }),
    ).rejects.toMatchObject({ code: 'swarm-failed' });
  });

  test('refuses without permission to upload', async () => {
    const folder = await temporaryFolder();
    const made = await makeTorrent(folder, 'a', { a: noise(40_000) });
    const swarm = await leecher();
    await expect(
      swarm.seed({ torrent: made.torrent, paths: made.paths, trackers: [] }),
    ).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('attacks', () => {
  test('a peer that lies alone is banned', async () => {
    const folder = await temporaryFolder();
    const made = await makeTorrent(folder, 'a', { a: noise(200_000) });
    const liar = closing(
      await startRawPeer(made.info, { answer: (_, __, length) => Buffer.alloc(length, 66) }),
    );
    const watched = await download(await leecher(), made, folder, [liar.address]);
    await until(() => watched.events.some(({ kind }) => kind === 'banned'));
    expect(watched.events).toContainEqual({ kind: 'banned', address: host });
    expect(watched.verified()).toBe(0);
  });

  test.each([
    { kib: 16, liars: 1 },
    { kib: 256, liars: 1 },
    { kib: 1024, liars: 3 },
  ])('the liars are banned: $liars, pieces of $kib KiB', async ({ kib, liars }) => {
    const folder = await temporaryFolder();
    const content = noise(4 * 1024 * KIB);
    const seed = await makeTorrent(
      join(folder, 's'),
      'a',
      { a: content },
      { pieceLength: kib * KIB },
    );
    const hosts = Array.from({ length: liars }, (_, number) => `127.0.0.${number + 2}`);
    const peers = [addressOf(await seeder(seed))];
    for (const host of hosts) {
      const answer = (_: number, __: number, length: number) => Buffer.alloc(length, 66);
      peers.unshift(closing(await startRawPeer(seed.info, { host, answer })).address);
    }
    const watched = await download(await leecher(), seed, folder, peers);
    await until(() => watched.verified() === content.length || failure(watched) !== undefined);
    expect(failure(watched)).toBeUndefined();
    const banned = watched.events.flatMap((each) => (each.kind === 'banned' ? [each.address] : []));
    // Of several, one may have been too late to be asked for anything.
    expect(hosts).toEqual(expect.arrayContaining(banned));
    expect(banned.length).toBeGreaterThan(0);
    expect(content.equals(await readFile(watched.path))).toBe(true);
  });

  test('a handshake that is endless for bencode 4 does not stop the swarm', async () => {
    const folder = await temporaryFolder();
    const content = noise(100_000);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const evil = closing(
      await startRawPeer(made.info, { host: '127.0.0.2', greeting: extendedHandshake('l-3:') }),
    );
    const swarm = await leecher();
    const pid = swarm.pid();
    const watched = await download(swarm, made, folder, [evil.address]);
    await until(() => evil.connections() > 0);
    watched.stop();
    const good = await download(swarm, made, folder, [addressOf(await seeder(made))]);
    await until(() => good.verified() === content.length);
    expect(swarm.pid()).toBe(pid);
  });

  test('a peer gets nothing from a client that did not opt in', async () => {
    const folder = await temporaryFolder();
    const content = noise(100_000);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const greedy = closing(
      await startRawPeer(made.info, {
        host: '127.0.0.2',
        ask: { index: 0, offset: 0, length: 16 * KIB },
      }),
    );
    const peers = [addressOf(await seeder(made)), greedy.address];
    const watched = await download(await leecher(), made, folder, peers);
    await until(() => watched.verified() === content.length && greedy.connections() > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([greedy.received(), greedy.unchoked()]).toEqual([0, false]);

    const open = await download(await leecher({ upload: true }), made, folder, peers);
    await until(() => open.verified() === content.length && greedy.received() > 0);
  });

  test('a client that did not opt in takes no incoming connection', async () => {
    const folder = await temporaryFolder();
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: noise(100_000) });
    const closed = await leecher();
    await download(closed, made, folder, []);
    const other = await download(await leecher(), made, folder, [addressOf(closed)]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(other.verified()).toBe(0);
  });

  test('a blocked address is neither called nor answered', async () => {
    const folder = await temporaryFolder();
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: noise(100_000) });
    const open = await seeder(made);
    const deaf = await leecher({ blocklist: ['127.0.0.0/8'] });
    const calling = await download(deaf, made, folder, [addressOf(open)]);
    const shy = closing(await startSwarm({ host, upload: true, blocklist: ['::ffff:127.0.0.1'] }));
    await shy.seed({ torrent: made.torrent, paths: made.paths, trackers: [] });
    const called = await download(await leecher(), made, folder, [addressOf(shy)]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([calling.verified(), called.verified()]).toEqual([0, 0]);
  });

  test('incoming connections are capped', async () => {
    const folder = await temporaryFolder();
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: noise(100_000) });
    const swarm = closing(await startSwarm({ host, upload: true, maxConnections: 1 }));
    await swarm.seed({ torrent: made.torrent, paths: made.paths, trackers: [] });
    const net = await import('node:net');
    const sockets = [1, 2, 3].map(() => net.connect(swarm.port, host));
    const ended = await Promise.all(
      sockets.map(
        (socket) =>
          new Promise<boolean>((resolve) => {
            socket.on('error', () => undefined);
            socket.on('close', () => {
              resolve(true);
            });
            setTimeout(() => {
              resolve(false);
            }, 500);
          }),
      ),
    );
    for (const socket of sockets) socket.destroy();
    expect(ended.filter(Boolean)).toHaveLength(2);
  });

  test('a connection to itself is dropped', async () => {
    const folder = await temporaryFolder();
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: noise(100_000) });
    const mirror = closing(await startRawPeer(made.info, { mirror: true }));
    const watched = await download(await leecher(), made, folder, [mirror.address]);
    await until(() => mirror.dropped() > 0);
    expect(mirror.requests()).toBe(0);
    watched.stop();
  });

  test('a dead tracker delays nothing', async () => {
    const folder = await temporaryFolder();
    const content = noise(100_000);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    // It accepts connections and never answers.
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, host, resolve));
    const { port } = silent.address() as { port: number };
    closing({ close: () => void silent.close() });
    const trackers = [
      `http://${host}:${port}/announce`,
      'udp://127.0.0.1:9',
      'http://x:0',
      'wss://x',
    ];
    const peer = addressOf(await seeder(made));
    const swarm = await leecher();
    const path = await makeHole(join(folder, 'p'), content.length);
    let bytes = 0;
    swarm.download(
      {
        torrent: made.torrent,
        trackers,
        peers: [peer],
        start: { file: 0, offset: 0 },
        files: [{ index: 0, path, missing: [{ start: 0, end: content.length }] }],
      },
      (event) => {
        if (event.kind === 'verified') bytes += event.end - event.start;
      },
    );
    await until(() => bytes === content.length);
  });
});

describe('the process', () => {
  test('killed, it is restarted once and goes on; killed again, downloads fail', async () => {
    const folder = await temporaryFolder();
    const content = noise(2_000_000);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const source = closing(
      await startSwarm({ host, upload: true, uploadBytesPerSecond: 1_000_000 }),
    );
    await source.seed({ torrent: made.torrent, paths: made.paths, trackers: [] });
    const swarm = await leecher();
    const watched = await download(swarm, made, folder, [addressOf(source)]);
    await until(() => watched.verified() > 0);
    const first = await killSwarm(swarm);
    const before = watched.events.length;
    await until(() => swarm.pid() !== first && watched.events.length > before);
    await killSwarm(swarm, first);
    await until(() => failure(watched) !== undefined);
    const late = await download(swarm, made, folder, [addressOf(source)]);
    await until(() => failure(late) !== undefined);
  });

  test('a port that is taken is an error', async () => {
    const first = await leecher();
    await expect(startSwarm({ host, upload: false, port: first.port })).rejects.toMatchObject({
      code: 'swarm-failed',
      hint: expect.stringContaining(String(first.port)) as string,
    });
  });

  test('a torrent that lies about itself never reaches it', async () => {
    const swarm = await leecher();
    const request = {
      torrent: Buffer.from('d4:infode'),
      trackers: [],
      peers: [],
      start: { file: 0, offset: 0 },
      files: [],
    };
    expect(() => swarm.download(request, () => undefined)).toThrow(
      expect.objectContaining({ code: 'torrent-malformed' }),
    );
  });

  test('an unreadable blocklist is an error', async () => {
    await expect(
      startSwarm({ host, upload: false, blocklist: ['example.org'] }),
    ).rejects.toMatchObject({ code: 'config-invalid' });
  });

  test('it listens on the given address alone', async () => {
    const swarm = await leecher({ host: '127.0.0.4' });
    const net = await import('node:net');
    const socket = net.connect(swarm.port, '127.0.0.5');
    const refused = await new Promise((resolve) => {
      socket.on('error', resolve);
    });
    expect(refused).toMatchObject({ code: 'ECONNREFUSED' });
  });
});
