import type {
  PairResult,
  RebuildReport,
  RouteResult,
  RouteRun,
} from '../../bench/rebuild/results.js';
import { breakEvenMbit } from '../../bench/rebuild/break-even.js';
import { checkTargets } from '../../bench/rebuild/targets.js';

const MEGABYTE = 1e6;

/** A run of so many seconds and megabytes of memory. */
export function runOf(seconds: number, peakMegabytes = 50): RouteRun {
  return {
    wallSeconds: seconds,
    cpuSeconds: seconds,
    peakRssBytes: peakMegabytes * MEGABYTE,
    readBytes: 1,
    writtenBytes: 1,
    phases: null,
  };
}

/** Results of a pair of 2 MB whose xz takes a second with 40 MB; one core alone. */
export function pairResult(
  name: string,
  routes: Partial<Record<'exact' | 'expanded' | 'debdelta', RouteRun>>,
  newBytes = 2 * MEGABYTE,
): PairResult {
  const result = (run: RouteRun | undefined): RouteResult => {
    if (run === undefined) return { kind: 'skipped', reason: 'not asked for' };
    const bytes = newBytes / 10;
    const speed = breakEvenMbit(newBytes - bytes, run.cpuSeconds);
    return { kind: 'measured', bytes, runs: { '1': run }, breakEvenMbit: { '1': speed } };
  };
  return {
    name,
    newBytes,
    tarBytes: 5 * newBytes,
    encoderBytes: 150 * MEGABYTE,
    xz: { '1': runOf(1, 40) },
    startUp: { '1': { wallSeconds: 0.1, cpuSeconds: 0.1 } },
    routes: {
      exact: result(routes.exact),
      expanded: result(routes.expanded),
      debdelta: result(routes.debdelta),
    },
  };
}

export function rebuildReport(pairs: readonly PairResult[]): RebuildReport {
  return {
    machine: { processor: 'a processor', cores: [0], node: 'v20', packages: [] },
    pairs,
    set: null,
    targets: checkTargets(pairs, null),
  };
}
