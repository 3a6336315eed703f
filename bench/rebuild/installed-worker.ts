import { join } from 'node:path';

import { WORKER_NODE_FLAGS } from '../../client/confinement/find-confinement.js';
import type { RebuildTask } from '../../client/confinement/rebuild-installed.js';
import type { DebForm } from '../../shared/deb/deb-forms.js';
import type { RebuildResult } from '../../shared/delta/rebuild.js';
import { isDebshoalError } from '../../shared/errors.js';
import { openWorkerPool } from '../../shared/io/worker-pool.js';
import { readUsage, resetPeak } from '../measure/process-usage.js';
import { pinnedTo, type Cost } from '../measure/run-measured.js';
import type { PreparedPair } from './prepare-pair.js';
import type { RouteRun } from './results.js';

/** What a worker process of `debshoal fetch` does, without its confinement, seen from outside. */
export interface InstalledWorker {
  readonly startUp: Pick<Cost, 'wallSeconds' | 'cpuSeconds'>;
  rebuild(form: DebForm): Promise<RouteRun>;
  close(): Promise<void>;
}

/** Starts a worker on `cores`, which then rebuilds one pair in `folder` as often as it is asked. */
export async function openInstalledWorker(
  pair: PreparedPair,
  folder: string,
  cores: readonly number[],
  signal: AbortSignal,
): Promise<InstalledWorker> {
  const pids: number[] = [];
  const pool = openWorkerPool<RebuildTask, RebuildResult>(
    new URL('../workers/installed-worker.js', import.meta.url),
    1,
    {
      prefix: pinnedTo(cores),
      nodeFlags: WORKER_NODE_FLAGS,
      onStart: (pid) => pids.push(pid),
    },
  );
  const usage = (): ReturnType<typeof readUsage> => {
    const [pid] = pids;
    if (pid === undefined || pids.length > 1) throw new Error('not one worker');
    return readUsage(pid);
  };
  const taskOf = (form: DebForm): RebuildTask => ({
    deltaPath: pair.deltaPath,
    root: pair.root,
    old: pair.old,
    form,
    expected: form === 'exact' ? pair.target : pair.expanded,
    target: join(folder, `${form}.deb`),
    temporaryParent: folder,
    threads: Math.max(1, cores.length),
  });
  const rebuild = async (form: DebForm): Promise<RouteRun> => {
    const before = usage();
    resetPeak(pids[0] ?? 0);
    const started = performance.now();
    const { seconds } = await pool.run(taskOf(form), signal);
    const wallSeconds = (performance.now() - started) / 1000;
    const after = usage();
    const phases = Object.entries(seconds).filter(([phase]) => phase !== 'total');
    return {
      wallSeconds,
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      peakRssBytes: after.peakRssBytes,
      readBytes: after.readBytes - before.readBytes,
      writtenBytes: after.writtenBytes - before.writtenBytes,
      phases: Object.fromEntries(phases),
    };
  };
  try {
    const started = performance.now();
    await failAtOnce(() => pool.run({ ...taskOf('exact'), root: folder }, signal));
    const wallSeconds = (performance.now() - started) / 1000;
    const startUp = { wallSeconds, cpuSeconds: usage().cpuSeconds };
    return { startUp, rebuild, close: () => pool.close() };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/** A task without an installed package ends as soon as the worker has read its code. */
async function failAtOnce(run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (isDebshoalError(error, 'not-installed')) return;
    throw error;
  }
  throw new Error('a package was rebuilt from nothing');
}
