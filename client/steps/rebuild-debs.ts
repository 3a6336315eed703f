import { availableParallelism, freemem } from 'node:os';
import { join } from 'node:path';

import { openTurns } from '../../shared/io/turns.js';
import { priorityPrefix, type Priority } from '../../shared/io/worker-pool.js';
import type { RebuildResult } from '../../shared/delta/rebuild.js';
import { rebuildConfined } from '../confinement/confined-rebuild.js';
import type { Confinement } from '../confinement/find-confinement.js';
import { ownReader, serviceReader } from '../confinement/privileged-reader.js';
import { limitsFor } from '../confinement/resource-limits.js';
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
  /**
   * Rebuilds a .deb from the downloaded delta, which is gone then; its path and what it took. What is
   * there is to be verified: it was made by a process that may have turned against us.
   */
  rebuild(
    job: Rebuild,
    deltaPath: string,
  ): Promise<{ readonly path: string; readonly seconds: RebuildResult['seconds'] }>;
  /** Ends all that are under way; resolves when nothing of them is left. */
  close(): Promise<void>;
}

export interface RebuilderOptions {
  /** Of the system where the old versions are installed. */
  readonly root: string;
  /** For the finished .debs and their temporary files. */
  readonly folder: string;
  readonly confinement: Confinement;
  readonly priority: Priority;
  readonly signal: AbortSignal;
}

/**
 * Rebuilds in confined processes, one for each delta, so that the limits are those of this delta and
 * its end is the end of all that it did; as many at a time as processors and free memory allow.
 */
export function openRebuilder(jobs: readonly Rebuild[], options: RebuilderOptions): Rebuilder {
  const largest = Math.max(1, ...jobs.map(({ chosen }) => chosen.memoryMiB * 2 ** 20));
  const fitting = Math.floor(freemem() / 2 / largest);
  const processors = availableParallelism();
  const workers = Math.max(1, Math.min(processors, fitting, jobs.length));
  const threads = Math.max(1, Math.floor(processors / workers));
  const turns = openTurns(workers);
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const underWay = new Set<Promise<unknown>>();

  const rebuild = async (job: Rebuild, deltaPath: string): Promise<RebuildResult> => {
    const { pending, oldPackage, oldVersion, form, deb, chosen } = job;
    const { architecture } = pending;
    return turns.take(chosen.rebuildSeconds, () =>
      rebuildConfined(options.confinement, {
        deltaPath,
        target: join(options.folder, pending.archiveName),
        task: {
          root: options.root,
          old: { package: oldPackage, architecture, version: oldVersion },
          form,
          expected: deb,
          threads,
        },
        limits: limitsFor({
          memoryBytes: chosen.memoryMiB * 2 ** 20,
          seconds: chosen.rebuildSeconds,
          size: deb.size,
          threads,
        }),
        reader: process.geteuid?.() === 0 ? ownReader(options.root) : serviceReader(),
        prefix: priorityPrefix(options.priority),
        signal,
      }),
    );
  };

  return {
    async rebuild(job, deltaPath) {
      const work = rebuild(job, deltaPath);
      underWay.add(work);
      try {
        const { seconds } = await work;
        return { path: join(options.folder, job.pending.archiveName), seconds };
      } finally {
        underWay.delete(work);
      }
    },
    async close() {
      closing.abort();
      await Promise.allSettled(underWay);
    },
  };
}
