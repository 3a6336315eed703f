import { isDebshoalError } from '../../shared/errors.js';
import type { ReportProgress } from '../../shared/progress.js';
import { startSwarm, type Swarm, type SwarmOptions } from '../../shared/swarm/swarm.js';

/** Milliseconds until a swarm that could not start is tried again. */
const RETRY = 5 * 60_000;

/** A swarm as long as there can be one; it restarts its own process when that dies. */
export interface SwarmKeeper {
  /** Null while there is none: HTTP alone then. */
  readonly swarm: Swarm | null;
  /** Calls `listener` when there is one, at once or as soon as it has started. */
  onStart(listener: () => void): void;
  close(): Promise<void>;
}

/** Starts a swarm, now and again later if need be. Never fails, and does not wait for it. */
export function keepSwarm(options: SwarmOptions, report: ReportProgress): SwarmKeeper {
  let swarm: Swarm | null = null;
  let closed = false;
  let onStart = (): void => undefined;
  let timer: NodeJS.Timeout | undefined;
  const start = async (): Promise<void> => {
    try {
      swarm = await startSwarm(options);
      onStart();
    } catch (error) {
      if (!isDebshoalError(error)) throw error;
      report({ kind: 'warning', text: `no BitTorrent: ${error.message} [${error.code}]` });
      if (closed) return;
      timer = setTimeout(() => {
        starting = start();
      }, RETRY).unref();
    }
  };
  let starting = start();
  return {
    get swarm() {
      return swarm;
    },
    onStart(listener) {
      onStart = listener;
      if (swarm !== null) listener();
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await starting;
      await swarm?.close();
      swarm = null;
    },
  };
}
