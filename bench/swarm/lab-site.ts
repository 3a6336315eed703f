import { openWorkerPool } from '../../shared/io/worker-pool.js';
import type { LabHost } from './lab-network.js';
import type { SetObject } from './upgrade-set.js';

export const HTTP_PORT = 80;
export const TRACKER_PORT = 6969;

export interface SiteTask {
  readonly folder: string;
  readonly address: string;
  /** Torrents that the tracker knows. */
  readonly infoHashes: readonly string[];
}

/** A publisher's server: static files and a tracker, no seeder. */
export interface LabSite {
  readonly url: string;
  readonly tracker: string;
  readonly close: () => Promise<void>;
}

export async function startLabSite(
  { address, prefix }: LabHost,
  folder: string,
  objects: readonly SetObject[],
  signal: AbortSignal,
): Promise<LabSite> {
  const url = new URL('../workers/swarm-site.js', import.meta.url);
  const worker = openWorkerPool<SiteTask, null>(url, 1, { prefix });
  const infoHashes = [...new Set(objects.map(({ infoHash }) => infoHash))];
  await worker.run({ folder, address, infoHashes }, signal);
  return {
    url: `http://${address}:${HTTP_PORT}`,
    tracker: `http://${address}:${TRACKER_PORT}/announce`,
    close: () => worker.close(),
  };
}
