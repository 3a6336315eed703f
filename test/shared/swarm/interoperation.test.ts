import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { libtorrentCommand, startProgram } from '../../../bench/swarm/other-clients.js';
import { startTracker, type RunningTracker } from '../../../generator/serve/tracker.js';
import { startSwarm } from '../../../shared/swarm/swarm.js';
import { noise } from '../../support/chunks.js';
import { closing, temporaryFolder, until } from '../../support/cleanup.js';
import { needs } from '../../support/needs.js';
import { makeHole, makeTorrent, type MadeTorrent } from '../../support/torrents.js';

const host = '127.0.0.1';
const content = noise(700_000);
const describeHere = await needs('aria2c', 'transmission-cli', 'python3');

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

/** What runs each program with a torrent whose file is in a folder, or is to come there. */
type Command = (torrent: string, folder: string, port: number) => readonly string[];

const PROGRAMS: Readonly<Record<string, { seed: Command; fetch: Command }>> = {
  aria2: {
    seed: (...args) => aria2(...args, '--seed-ratio=0.0', '--check-integrity=true'),
    fetch: (...args) => aria2(...args, '--seed-time=0'),
  },
  transmission: { seed: transmission, fetch: transmission },
  libtorrent: {
    seed: (torrent, folder, port) => libtorrentCommand(torrent, folder, String(port), ''),
    // The peer comes from the tracker; this one is nobody.
    fetch: (torrent, folder, port) => libtorrentCommand(torrent, folder, String(port), `${host}:9`),
  },
};

function aria2(torrent: string, folder: string, port: number, ...more: string[]): string[] {
  const quiet = ['--no-conf', '--enable-dht=false', '--enable-dht6=false', '--disable-ipv6=true'];
  const peers = ['--bt-enable-lpd=false', '--enable-peer-exchange=false', `--interface=${host}`];
  return [
    'aria2c',
    ...quiet,
    ...peers,
    `--listen-port=${port}`,
    `--dir=${folder}`,
    ...more,
    torrent,
  ];
}

function transmission(torrent: string, folder: string, port: number): string[] {
  const own = ['-g', `${folder}.config`, '-w', folder, '-p', String(port)];
  return ['transmission-cli', '-M', '-v', ...own, torrent];
}

describeHere('other programs', () => {
  let tracker: RunningTracker;
  const abort = new AbortController();
  beforeAll(async () => {
    tracker = await startTracker({ host, httpPort: 0, udpPort: 0, allows: () => true });
  });
  afterAll(async () => {
    abort.abort();
    await tracker.close();
  });

  const makeOne = async (
    folder: string,
    name: string,
  ): Promise<MadeTorrent & { torrentPath: string; seedFolder: string }> => {
    const seedFolder = join(folder, 'seed');
    const file = `${name}.deb`;
    const announce = [tracker.announce[0]];
    // Another torrent for each test: a tracker remembers who is gone.
    const own = Buffer.concat([Buffer.from(name), content]);
    const made = await makeTorrent(seedFolder, file, { [file]: own }, { announce });
    const torrentPath = join(folder, 'a.torrent');
    await writeFile(torrentPath, made.torrent);
    return { ...made, torrentPath, seedFolder };
  };

  for (const [name, program] of Object.entries(PROGRAMS)) {
    test(`${name} fetches from us`, async () => {
      const folder = await temporaryFolder();
      const { torrent, paths, torrentPath, info } = await makeOne(folder, `${name}-fetches`);
      const trackers = [tracker.announce[0]];
      const port = await freePort();
      const swarm = closing(await startSwarm({ host, upload: true }));
      if (name === 'transmission') {
        // It calls nobody on loopback, so we call it, with a download that is complete already.
        const files = [{ index: 0, path: paths[0] ?? '', missing: [] }];
        const start = { file: 0, offset: 0 };
        const peers = [`${host}:${port}`];
        swarm.download({ torrent, trackers, peers, start, files }, () => undefined);
      } else await swarm.seed({ torrent, paths, trackers });
      const target = join(folder, 'target');
      await mkdir(target);
      const command = program.fetch(torrentPath, target, port);
      closing(startProgram(command, abort.signal));
      const wanted = await readFile(paths[0] ?? '');
      for (;;) {
        const got = await readFile(join(target, info.name)).catch(() => Buffer.alloc(0));
        if (got.equals(wanted)) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });

    test(`we fetch from ${name}`, async () => {
      const folder = await temporaryFolder();
      const { torrent, paths, torrentPath, seedFolder } = await makeOne(folder, `${name}-seeds`);
      const port = await freePort();
      closing(startProgram(program.seed(torrentPath, seedFolder, port), abort.signal));
      const wanted = await readFile(paths[0] ?? '');
      const path = await makeHole(join(folder, 'target'), wanted.length);
      let verified = 0;
      const swarm = closing(await startSwarm({ host, upload: false }));
      const files = [{ index: 0, path, missing: [{ start: 0, end: wanted.length }] }];
      const start = { file: 0, offset: 0 };
      // It announces itself when it has looked at its file, so it is called until it answers.
      const peers = [`${host}:${port}`];
      swarm.download({ torrent, trackers: [tracker.announce[0]], peers, start, files }, (event) => {
        if (event.kind === 'verified') verified += event.end - event.start;
      });
      await until(() => verified === wanted.length);
      expect(wanted.equals(await readFile(path))).toBe(true);
    });
  }
});
