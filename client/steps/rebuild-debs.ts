import { rm } from 'node:fs/promises';
import { availableParallelism, freemem } from 'node:os';
import { join } from 'node:path';

import { openWorkerPool, type Priority } from '../../shared/io/worker-pool.js';
import type { RebuildResult } from '../../shared/delta/rebuild.js';
import type { AptSystem } from '../apt/apt-system.js';
import type { RebuildTask } from '../workers/rebuild-worker.js';
import type { Route } from './choose-route.js';
import type { PackageReport } from './report-fetch.js';

type DeltaRoute = Route & { kind: 'delta' };

export interface Rebuilder {
  /** Rebuilds a route's .deb from the downloaded delta, which is removed; its path. */
  rebuild(route: DeltaRoute, deltaPath: string, report: PackageReport): Promise<string>;
  close(): Promise<void>;
}

export interface RebuilderOptions {
  readonly system: AptSystem;
  /** For the finished .debs and their temporary files. */
  readonly folder: string;
  readonly priority: Priority;
  readonly signal: AbortSignal;
}

/** Rebuilds in worker processes, as many at a time as processors and free memory allow. */
export function openRebuilder(routes: readonly Route[], options: RebuilderOptions): Rebuilder {
  const deltas = routes.filter((route) => route.kind === 'delta');
  const largest = Math.max(1, ...deltas.map((route) => route.delta.memoryMiB * 2 ** 20));
  const fitting = Math.floor(freemem() / 2 / largest);
  const processors = availableParallelism();
  const workers = Math.max(1, Math.min(processors, fitting, deltas.length));
  const pool = openWorkerPool<RebuildTask, RebuildResult>(
    new URL('../workers/rebuild-worker.js', import.meta.url),
    workers,
    { priority: options.priority },
  );
  return {
    async rebuild({ pending, oldVersion }, deltaPath, report) {
      const target = join(options.folder, pending.archiveName);
      const { package: name, architecture, sha256, size } = pending;
      const task = {
        deltaPath,
        root: options.system.root,
        old: { package: name, architecture, version: oldVersion },
        form: 'exact' as const,
        expected: { sha256, size },
        target,
        temporaryParent: options.folder,
        threads: Math.max(1, Math.floor(processors / workers)),
      };
      try {
        const { seconds } = await pool.run(task, options.signal, size);
        report.addRebuild(seconds);
      } finally {
        await rm(deltaPath, { force: true });
      }
      return target;
    },
    close: () => pool.close(),
  };
}
