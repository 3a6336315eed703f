import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { withTemporaryFolder } from '../../shared/io/files.js';
import { openWorkerPool } from '../../shared/io/worker-pool.js';
import { isInfoHash } from '../../shared/index/layout.js';
import { median } from '../../shared/median.js';
import { parseTorrent, type TorrentInfo } from '../../shared/torrent/metainfo.js';
import type { ClientResult, ClientTask } from './client-task.js';
import { timeFirstBlock } from './cold-peer.js';
import { makeTree, type MadeTree } from './make-tree.js';
import { startServer, type Metrics, type RunningServer } from './running-server.js';

export interface ScaleOptions {
  readonly objects: number;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
}

/** Of the server's two processes, at one moment. */
interface ServerState {
  readonly mainRssBytes: number;
  readonly swarmRssBytes: number;
  readonly openFiles: number;
  readonly cpuSeconds: number;
  readonly activeTorrents: number;
}

export interface ScaleFigures {
  readonly objects: number;
  readonly publish: Omit<MadeTree, 'out'>;
  readonly torrents: number;
  readonly readySeconds: number;
  /** From ready until the tracker knew every torrent. */
  readonly announceSeconds: number;
  readonly ready: ServerState;
  readonly announced: ServerState;
  /** Part of one core that a server takes that nobody asks. */
  readonly idleCpu: number;
  /** Milliseconds until a peer has the first block of a torrent that was not in memory. */
  readonly coldMedian: number;
  readonly coldMost: number;
  /** The same of a batch with a thousand deltas. */
  readonly coldBatch: number;
  /** After all that. */
  readonly busy: ServerState;
  readonly client: ClientResult;
}

const COLD = 100;
const IDLE_SECONDS = 20;
const FETCHED = { deltas: 200, debs: 100 };

export async function measureScale(options: ScaleOptions): Promise<ScaleFigures> {
  const { objects, signal, note } = options;
  return withTemporaryFolder(async (folder) => {
    const port = await freePort();
    note('publishing');
    const announce = `http://127.0.0.1:${port}/announce`;
    const { out, ...publish } = await makeTree({ objects, folder, announce, signal });
    const server = await startServer(out, port);
    try {
      const ready = stateOf(await server.metrics());
      note(`ready after ${server.readySeconds.toFixed(1)} s; announcing`);
      const announceSeconds = await untilAnnounced(server, signal);
      const announced = stateOf(await server.metrics());
      await sleep(IDLE_SECONDS * 1000, undefined, { signal });
      const idle = stateOf(await server.metrics());
      note('asking for what is cold');
      const torrents = await readTorrents(out);
      const batch = torrents.find(({ multiFile }) => multiFile);
      const cold: number[] = [];
      for (const torrent of torrents.filter(({ multiFile }) => !multiFile).slice(0, COLD)) {
        cold.push(await timeFirstBlock(server.swarmPort, torrent));
      }
      if (batch === undefined) throw new Error('no batch');
      const coldBatch = await timeFirstBlock(server.swarmPort, batch);
      note('a client');
      const client = await runClient({
        ...{ out, url: server.httpUrl, folder: join(folder, 'client') },
        ...FETCHED,
      });
      return {
        objects,
        publish,
        torrents: server.seeding,
        readySeconds: server.readySeconds,
        announceSeconds,
        ready,
        announced,
        idleCpu: (idle.cpuSeconds - announced.cpuSeconds) / IDLE_SECONDS,
        coldMedian: median(cold) ?? NaN,
        coldMost: Math.max(...cold),
        coldBatch,
        busy: stateOf(await server.metrics()),
        client,
      };
    } finally {
      await server.close();
    }
  });
}

async function untilAnnounced(server: RunningServer, signal: AbortSignal): Promise<number> {
  const startedAt = performance.now();
  while (((await server.metrics()).get('tracker_torrents') ?? 0) < server.seeding) {
    await sleep(500, undefined, { signal });
  }
  return (performance.now() - startedAt) / 1000;
}

function stateOf(metrics: Metrics): ServerState {
  const of = (name: string): number => metrics.get(name) ?? NaN;
  const both = (name: string): number =>
    of(`${name}{process="main"}`) + of(`${name}{process="swarm"}`);
  return {
    mainRssBytes: of('process_resident_memory_bytes{process="main"}'),
    swarmRssBytes: of('process_resident_memory_bytes{process="swarm"}'),
    openFiles: both('process_open_fds'),
    cpuSeconds: both('process_cpu_seconds_total'),
    activeTorrents: of('seeder_active_torrents'),
  };
}

/** The batches, and enough of the single packages, from all over the list. */
async function readTorrents(out: string): Promise<TorrentInfo[]> {
  const folder = join(out, 'torrents');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.torrent')).sort();
  const singles = names.filter((name) => isInfoHash(name.replace('.torrent', '')));
  const step = Math.max(1, Math.floor(singles.length / COLD));
  const chosen = [
    ...names.filter((name) => !singles.includes(name)),
    ...singles.filter((_, index) => index % step === 0),
  ];
  return Promise.all(chosen.map(async (name) => parseTorrent(await readFile(join(folder, name)))));
}

async function runClient(task: ClientTask): Promise<ClientResult> {
  const pool = openWorkerPool<ClientTask, ClientResult>(
    new URL('../workers/scale-client.js', import.meta.url),
    1,
  );
  try {
    return await pool.run(task);
  } finally {
    await pool.close();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
