import { availableParallelism, freemem } from 'node:os';
import { join } from 'node:path';

import { openWorkerPool, type Priority } from '../../shared/io/worker-pool.js';
import type { RebuildResult } from '../../shared/delta/rebuild.js';
import type { RebuildTask } from '../workers/rebuild-worker.js';
import type { DebForm } from '../../shared/deb/deb-forms.js';
import type { FileIdentity } from '../../shared/delta/delta.js';

/** What is to be rebuilt: that much of a delta's route. */
export interface Rebuild {
  readonly pending: {
    readonly architecture: string;
    /** Of the finished .deb in the folder. */
    readonly archiveName: string;
  };
  readonly oldPackage: string;
  readonly oldVersion: string;
  readonly form: DebForm;
  /** What that form must be. */
  readonly deb: FileIdentity;
  /** What it was predicted to take. */
  readonly chosen: { readonly memoryMiB: number; readonly rebuildSeconds: number };
}

export interface Rebuilder {
  /** Rebuilds a .deb from the downloaded delta; its path and what it took. */
  rebuild(
    job: Rebuild,
    deltaPath: string,
  ): Promise<{ readonly path: string; readonly seconds: RebuildResult['seconds'] }>;
  close(): Promise<void>;
}

export interface RebuilderOptions {
  /** Of the system where the old versions are installed. */
  readonly root: string;
  /** For the finished .debs and their temporary files. */
  readonly folder: string;
  readonly priority: Priority;
  readonly signal: AbortSignal;
}

/** Rebuilds in worker processes, as many at a time as processors and free memory allow. */
export function openRebuilder(jobs: readonly Rebuild[], options: RebuilderOptions): Rebuilder {
  const largest = Math.max(1, ...jobs.map(({ chosen }) => chosen.memoryMiB * 2 ** 20));
  const fitting = Math.floor(freemem() / 2 / largest);
  const processors = availableParallelism();
  const workers = Math.max(1, Math.min(processors, fitting, jobs.length));
  const pool = openWorkerPool<RebuildTask, RebuildResult>(
    new URL('../workers/rebuild-worker.js', import.meta.url),
    workers,
    { priority: options.priority },
  );
  return {
    async rebuild({ pending, oldPackage, oldVersion, form, deb, chosen }, deltaPath) {
      const target = join(options.folder, pending.archiveName);
      const task = {
        deltaPath,
        root: options.root,
        old: { package: oldPackage, architecture: pending.architecture, version: oldVersion },
        form,
        expected: deb,
        target,
        temporaryParent: options.folder,
        threads: Math.max(1, Math.floor(processors / workers)),
      };
      const { seconds } = await pool.run(task, options.signal, chosen.rebuildSeconds);
      return { path: target, seconds };
    },
    close: () => pool.close(),
  };
}
