import { constants } from 'node:fs';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { withTemporaryFolder } from '../../shared/io/files.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { Target } from './attack.js';
import { makeMutant, readOriginals } from './mutant.js';
import type { Outcome } from './outcome.js';
import { runWorker, type Finding, type WorkerLimits, type WorkerResult } from './run-worker.js';

export interface FuzzOptions {
  readonly seed: number;
  /** Number of the first mutant. */
  readonly from: number;
  readonly runs: number;
  readonly workers: number;
  readonly limits: WorkerLimits;
  /** Where the mutants of findings are kept; null: nowhere. */
  readonly keep: string | null;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
  /** Instead of the real worker. */
  readonly workerPath?: string;
}

export interface FuzzReport {
  readonly seed: number;
  readonly runs: number;
  readonly seconds: number;
  /** How many mutants ended in which way, crashes and hangs not counted. */
  readonly counts: Readonly<Partial<Record<Outcome, number>>>;
  /** In the order of their numbers. Empty: nothing was found. */
  readonly findings: readonly Finding[];
  readonly slowest: { readonly number: number; readonly seconds: number } | null;
  readonly peakRssBytes: number;
}

/** A process lives for so many: memory that leaks in it is no mutant's fault. */
const RUNS_A_PROCESS = 10_000;

/** Attacks a package with mutants of its deltas, in processes that may crash and hang. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<FuzzReport> {
  const started = performance.now();
  return withTemporaryFolder(
    async (folder) => {
      const results: WorkerResult[] = [];
      let [next, processes, done] = [options.from, 0, 0];
      const end = options.from + options.runs;
      const work = async (): Promise<void> => {
        while (next < end) {
          const blockEnd = Math.min(end, next + RUNS_A_PROCESS);
          let at = next;
          next = blockEnd;
          while (at < blockEnd) {
            const own = join(folder, String(processes++));
            const range = { from: at, to: blockEnd, folder: own, log: `${own}.log` };
            const task = { target, seed: options.seed, ...range };
            const result = await runWorker(
              task,
              options.limits,
              options.signal,
              options.workerPath,
            );
            results.push(result);
            at += result.done;
            done += result.done;
            await keepFindings(target, result.findings, options);
            report(done, result.findings, options);
          }
        }
      };
      await Promise.all(Array.from({ length: options.workers }, work));
      const seconds = (performance.now() - started) / 1000;
      return { seed: options.seed, runs: done, seconds, ...sumUp(results) };
    },
    await fastFolder(),
  );
}

/** Thousands of files a second, each of them synced: in memory where the system has such a folder. */
async function fastFolder(): Promise<string> {
  const shared = '/dev/shm';
  return access(shared, constants.W_OK).then(
    () => shared,
    () => tmpdir(),
  );
}

function report(done: number, findings: readonly Finding[], options: FuzzOptions): void {
  for (const { number, kind, detail } of findings) {
    const text = `mutant ${number} of seed ${options.seed}: ${kind} ${detail.slice(0, 300)}`;
    options.report({ kind: 'warning', text });
  }
  options.report({ kind: 'note', text: `${done}/${options.runs} mutants` });
}

async function keepFindings(
  target: Target,
  findings: readonly Finding[],
  { keep, seed }: FuzzOptions,
): Promise<void> {
  if (keep === null || findings.length === 0) return;
  await mkdir(keep, { recursive: true });
  const originals = await readOriginals(target);
  for (const { number, kind } of findings) {
    const { bytes } = makeMutant(originals, seed, number);
    await writeFile(join(keep, `${seed}-${number}-${kind}.delta`), bytes);
  }
}

function sumUp(
  results: readonly WorkerResult[],
): Pick<FuzzReport, 'counts' | 'findings' | 'slowest' | 'peakRssBytes'> {
  const counts: Partial<Record<Outcome, number>> = {};
  for (const result of results) {
    for (const [outcome, count] of Object.entries(result.counts) as [Outcome, number][]) {
      counts[outcome] = (counts[outcome] ?? 0) + count;
    }
  }
  const [slowest = null] = results
    .flatMap((result) => (result.slowest === null ? [] : [result.slowest]))
    .sort((a, b) => b.seconds - a.seconds);
  return {
    counts,
    findings: results.flatMap((result) => result.findings).sort((a, b) => a.number - b.number),
    slowest: slowest && { number: slowest.number, seconds: slowest.seconds },
    peakRssBytes: Math.max(0, ...results.map((result) => result.peakRssBytes)),
  };
}
