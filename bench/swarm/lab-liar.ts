import { openWorkerPool } from '../../shared/io/worker-pool.js';
import type { LabHost } from './lab-network.js';

export interface LiarTask {
  readonly torrentPath: string;
  readonly host: string;
}

/** A peer that claims to have everything and sends garbage. */
export interface LabLiar {
  /** `address:port`. */
  readonly peer: string;
  readonly close: () => Promise<void>;
}

export async function startLabLiar(
  { address, prefix }: LabHost,
  torrentPath: string,
  signal: AbortSignal,
): Promise<LabLiar> {
  const url = new URL('../workers/swarm-liar.js', import.meta.url);
  const worker = openWorkerPool<LiarTask, string>(url, 1, { prefix });
  const peer = await worker.run({ torrentPath, host: address }, signal);
  return { peer, close: () => worker.close() };
}
