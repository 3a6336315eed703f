import { join } from 'node:path';

import { diffDebs, type DiffReport } from '../../generator/diff/diff-debs.js';
import { readBounded, writeFileAtomically } from '../../shared/io/files.js';
import { openWorkerPool } from '../../shared/io/worker-pool.js';
import { LIMITS } from '../../shared/limits.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { Pair } from '../pair-list.js';
import type { WorkSeconds, WorkTask } from '../workers/work-worker.js';

/** What a delta was estimated to take, and what it took. */
export interface MeasuredWork extends Pick<DiffReport, 'work' | 'workCounts'> {
  readonly name: string;
  readonly seconds: WorkSeconds;
}

export interface MeasureWorkOptions {
  /** Of deltas; those that are there already are not made again. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/** Makes the deltas of all pairs and rebuilds by each, one after the other, in one process. */
export async function measureWork(
  pairs: readonly Pair[],
  options: MeasureWorkOptions,
): Promise<MeasuredWork[]> {
  const url = new URL('../workers/work-worker.js', import.meta.url);
  const pool = openWorkerPool<WorkTask, WorkSeconds>(url, 1);
  const measured: MeasuredWork[] = [];
  try {
    for (const pair of pairs) {
      const { work, workCounts } = await makeOnce(pair, options.folder);
      const { oldDeb, newDeb, name } = pair;
      const task = { deltaPath: join(options.folder, `${name}.delta`), oldDeb, newDeb };
      // A client's worker rebuilds many; the first one pays for compiling what all of them need.
      if (measured.length === 0) await pool.run(task, options.signal);
      const seconds = await pool.run(task, options.signal);
      measured.push({ name, work, workCounts, seconds });
      const progress = { done: measured.length, total: pairs.length, detail: name };
      options.report({ kind: 'count', name: 'pairs', ...progress });
    }
    return measured;
  } finally {
    await pool.close();
  }
}

async function makeOnce({ name, oldDeb, newDeb }: Pair, folder: string): Promise<DiffReport> {
  const path = join(folder, `${name}.delta`);
  const reportPath = join(folder, `${name}.json`);
  try {
    const text = await readBounded(reportPath, LIMITS.configBytes);
    return JSON.parse(text.toString('utf8')) as DiffReport;
  } catch {
    const report = await diffDebs(oldDeb, newDeb, path);
    await writeFileAtomically(reportPath, JSON.stringify(report));
    return report;
  }
}
