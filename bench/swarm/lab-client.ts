import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';

import { openWorkerPool } from '../../shared/io/worker-pool.js';
import type { LabHost } from './lab-network.js';
import type { SetObject } from './upgrade-set.js';

export type ClientTask = Start | Seed | Download;

interface Start {
  readonly kind: 'start';
  readonly port: number;
}

interface Seed {
  readonly kind: 'seed';
  /** Single objects that lie below `folder` as they are published. */
  readonly folder: string;
  readonly objects: readonly SetObject[];
  readonly trackers: readonly string[];
}

export interface Download {
  readonly kind: 'download';
  readonly objects: readonly SetObject[];
  /** Base URLs of the objects, in order; of the torrents. */
  readonly mirrors: readonly string[];
  readonly site: string;
  /** Torrents are read there instead of coming from the site. */
  readonly torrentFolder: string | null;
  readonly trackers: readonly string[];
  readonly peers: readonly string[];
  /** False: HTTP alone. */
  readonly peersUsed: boolean;
  readonly folder: string;
}

export interface ClientResult {
  /** From asking until the last object is verified. */
  readonly seconds: number;
  readonly peerBytes: number;
  readonly httpBytes: number;
  /** Of the client and its swarm, since they were started. */
  readonly cpuSeconds: number;
  readonly failed: readonly string[];
  readonly banned: readonly string[];
}

/** A client in processes of its own on a host: the project's real swarm and downloads. */
export interface LabClient {
  /** `address:port` for other clients. */
  readonly peer: string;
  readonly seed: (task: Omit<Seed, 'kind'>) => Promise<void>;
  readonly download: (
    task: Partial<Omit<Download, 'kind'>> & Pick<Download, 'objects'>,
  ) => Promise<ClientResult>;
  readonly close: () => Promise<void>;
}

export interface ClientOptions {
  /** Its files lie below. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** For peers; default 6881. */
  readonly port?: number | undefined;
}

/** Starts a client that listens on all addresses of `host`. */
export async function startLabClient(
  host: LabHost,
  { folder: parent, signal, port = 6881 }: ClientOptions,
): Promise<LabClient> {
  const folder = await mkdtemp(join(parent, 'client-'));
  const url = new URL('../workers/swarm-client.js', import.meta.url);
  const worker = openWorkerPool<ClientTask, ClientResult | null>(url, 1, { prefix: host.prefix });
  await worker.run({ kind: 'start', port }, signal);
  let downloads = 0;
  return {
    peer: `${host.address}:${port}`,
    seed: async (task) => {
      await worker.run({ kind: 'seed', ...task }, signal);
    },
    download: async (task) => {
      const result = await worker.run(
        {
          kind: 'download',
          mirrors: [],
          site: '',
          torrentFolder: null,
          trackers: [],
          peers: [],
          peersUsed: true,
          folder: join(folder, String(++downloads)),
          ...task,
        },
        signal,
      );
      if (result === null) throw new Error('a download without a result');
      return result;
    },
    close: () => worker.close(),
  };
}
