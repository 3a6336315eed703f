import { rm, stat } from 'node:fs/promises';

import type { DebForm } from '../../shared/deb/deb-forms.js';
import { DebshoalError, isDebshoalError, withCode } from '../../shared/errors.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { hashFile } from '../../shared/io/hash.js';
import { DEBDELTA } from '../deltas/tools.js';
import { runMeasured, type Command, type Cost } from '../measure/run-measured.js';
import type { Pair } from '../pair-list.js';
import { breakEvenMbit } from './break-even.js';
import { openInstalledWorker } from './installed-worker.js';
import {
  filesOf,
  makeDelta,
  preparePair,
  type PreparedPair,
  type PrepareOptions,
} from './prepare-pair.js';
import { secondsSpent, type PairResult, type RouteResult, type RouteRun } from './results.js';

export interface PairOptions extends PrepareOptions {
  /** Sets of cores to measure on, such as one and two. */
  readonly coreSets: readonly (readonly number[])[];
  /** Of this many runs the one with the least CPU time counts. */
  readonly runs: number;
  readonly withDebdelta: boolean;
}

type Failed = Extract<RouteResult, { kind: 'failed' }>;

/** Measures all routes of a pair. Only an interrupt ends it early: what fails is a result. */
export async function measurePair(pair: Pair, options: PairOptions): Promise<PairResult> {
  return withTemporaryFolder(async (folder) => {
    try {
      const prepared = await preparePair(pair, folder, options);
      const { target, tarBytes, encoderBytes } = prepared;
      const sizes = { newBytes: target.size, tarBytes, encoderBytes };
      const ours = await measureOurs(prepared, folder, options);
      const debdelta = options.withDebdelta
        ? await measureDebdelta(prepared, folder, options)
        : { kind: 'skipped' as const, reason: 'not asked for' };
      const { exact, expanded, xz, startUp } = ours;
      return { name: pair.name, ...sizes, xz, startUp, routes: { exact, expanded, debdelta } };
    } catch (thrown) {
      const failed = failure(thrown);
      return {
        name: pair.name,
        ...{ newBytes: null, tarBytes: null, encoderBytes: null, xz: {}, startUp: {} },
        routes: { exact: failed, expanded: failed, debdelta: failed },
      };
    }
  });
}

function failure(thrown: unknown): Failed {
  const error = withCode(thrown);
  if (!isDebshoalError(error) || error.code === 'interrupted') throw error;
  return { kind: 'failed', code: error.code, error: error.message };
}

/** The yardstick and both forms by turns, so that they meet the same machine. */
async function measureOurs(
  pair: PreparedPair,
  folder: string,
  options: PairOptions,
): Promise<Pick<PairResult, 'xz' | 'startUp'> & Record<DebForm, RouteResult>> {
  const xz: Record<string, Cost> = {};
  const startUp: Record<string, PairResult['startUp'][string]> = {};
  const forms = { exact: new FormRuns(), expanded: new FormRuns() };
  for (const cores of options.coreSets) {
    const key = String(cores.length);
    const worker = await openInstalledWorker(pair, folder, cores, options.signal);
    startUp[key] = worker.startUp;
    try {
      await forms.expanded.add(key, () => worker.rebuild('expanded'));
      const yardsticks: Cost[] = [];
      for (let run = 0; run < options.runs; run++) {
        yardsticks.push(await compressWithXz(pair, folder, cores, options));
        await forms.exact.add(key, () => worker.rebuild('exact'));
        await forms.expanded.add(key, () => worker.rebuild('expanded'));
      }
      xz[key] = cheapest(yardsticks);
    } finally {
      await worker.close();
    }
  }
  return { xz, startUp, exact: forms.exact.result(pair), expanded: forms.expanded.result(pair) };
}

/** The runs of one form, until one fails. */
class FormRuns {
  readonly #runs = new Map<string, RouteRun[]>();
  #failed: Failed | null = null;

  async add(cores: string, rebuild: () => Promise<RouteRun>): Promise<void> {
    if (this.#failed !== null) return;
    try {
      this.#runs.set(cores, [...(this.#runs.get(cores) ?? []), await rebuild()]);
    } catch (thrown) {
      this.#failed = failure(thrown);
    }
  }

  /**
   * The first run is in a new process: its peak of memory owes nothing to others, its CPU time some
   * to code that is compiled as it runs.
   */
  result(pair: PreparedPair): RouteResult {
    if (this.#failed !== null) return this.#failed;
    const best = [...this.#runs].map(([cores, runs]): [string, RouteRun] => {
      const peakRssBytes = runs[0]?.peakRssBytes ?? 0;
      return [cores, { ...cheapest(runs), peakRssBytes }];
    });
    return measured(pair, pair.deltaBytes, Object.fromEntries(best));
  }
}

function cheapest<C extends Cost>(runs: readonly C[]): C {
  const [first, ...others] = runs;
  if (first === undefined) throw new Error('no run');
  return others.reduce((best, run) => (run.cpuSeconds < best.cpuSeconds ? run : best), first);
}

/** `xz -6 -T2` of the data.tar alone: with two threads it writes what dpkg publishes. */
export async function compressWithXz(
  { tarPath }: PreparedPair,
  folder: string,
  cores: readonly number[],
  options: Omit<PairOptions, 'coreSets'>,
): Promise<Cost> {
  const command: Command = ['xz', '-6', '-T2', '-k', '-f', tarPath];
  return (await runMeasured([command], { ...options, folder, cores })).cost;
}

async function measureDebdelta(
  pair: PreparedPair,
  folder: string,
  options: PairOptions,
): Promise<RouteResult> {
  try {
    const delta = await makeDelta(DEBDELTA, pair, folder, options);
    const files = await filesOf(pair, delta, folder);
    const runs: Record<string, RouteRun> = {};
    for (const cores of options.coreSets) {
      const turns: RouteRun[] = [];
      for (let run = 0; run < options.runs; run++) {
        await rm(files.out, { force: true });
        const { cost } = await runMeasured(DEBDELTA.apply(files), { ...options, folder, cores });
        if ((await hashFile(files.out)).sha256 !== pair.target.sha256) {
          throw new DebshoalError('hash-mismatch', 'debpatch made another .deb');
        }
        turns.push({ ...cost, phases: null });
      }
      runs[String(cores.length)] = cheapest(turns);
    }
    return measured(pair, (await stat(delta)).size, runs);
  } catch (thrown) {
    return failure(thrown);
  }
}

function measured(
  { target }: PreparedPair,
  bytes: number,
  runs: Readonly<Record<string, RouteRun>>,
): RouteResult {
  const speeds = Object.entries(runs).map(([cores, run]): [string, number] => [
    cores,
    breakEvenMbit(target.size - bytes, secondsSpent(run, cores)),
  ]);
  return { kind: 'measured', bytes, runs, breakEvenMbit: Object.fromEntries(speeds) };
}
