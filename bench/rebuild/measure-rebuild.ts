import type { ReportProgress } from '../../shared/progress.js';
import { allowedCores, describeMachine } from '../measure/machine.js';
import type { Pair } from '../pair-list.js';
import { measurePair, type PairOptions } from './measure-pair.js';
import { measureSet, type SetResult } from './measure-set.js';
import type { PairResult, RebuildReport } from './results.js';
import { checkTargets } from './targets.js';

export interface MeasureRebuildOptions extends Omit<PairOptions, 'coreSets'> {
  /** Whether all pairs are also, or only, rebuilt at once. */
  readonly set: 'no' | 'also' | 'only';
  readonly report: ReportProgress;
  /** Called after each pair with the report so far: a long run is not lost when it is stopped. */
  readonly onPair?: (report: RebuildReport) => Promise<void>;
}

const MOST_CORES = 2;

/** Measures all routes of the pairs one by one, on one core and on two. */
export async function measureRebuild(
  pairs: readonly Pair[],
  options: MeasureRebuildOptions,
): Promise<RebuildReport> {
  const { report, onPair } = options;
  // The last ones, because interrupts tend to go to the first.
  const cores = (await allowedCores()).slice(-MOST_CORES);
  const coreSets = cores.map((_, count) => cores.slice(-1 - count));
  const { processor, node, packages } = await describeMachine(['debdelta', 'xz-utils']);
  const machine = { processor, node, packages, cores };
  const done: PairResult[] = [];
  let set: SetResult | null = null;
  const soFar = (): RebuildReport => {
    return { machine, pairs: done, set, targets: checkTargets(done, set) };
  };
  for (const pair of options.set === 'only' ? [] : pairs) {
    const result = await measurePair(pair, { ...options, coreSets });
    done.push(result);
    report({ kind: 'note', text: `${done.length}/${pairs.length} ${summary(result)}` });
    await onPair?.(soFar());
  }
  if (options.set !== 'no') {
    report({ kind: 'phase', name: `${pairs.length} packages at once` });
    set = await measureSet(pairs, xzSeconds(done), { ...options, cores });
    await onPair?.(soFar());
  }
  return soFar();
}

/** Of all pairs on one core; null unless it was measured for each. */
function xzSeconds(pairs: readonly PairResult[]): number | null {
  let sum = 0;
  for (const { xz } of pairs) sum += xz['1']?.cpuSeconds ?? NaN;
  return pairs.length === 0 || Number.isNaN(sum) ? null : sum;
}

function summary({ name, routes, xz }: PairResult): string {
  const words = Object.entries(routes).map(([route, result]) => {
    if (result.kind !== 'measured') return `${route} ${result.kind}`;
    return `${route} ${result.runs['1']?.cpuSeconds.toFixed(2) ?? '-'} s`;
  });
  return `${name}: ${words.join(', ')}, xz ${xz['1']?.cpuSeconds.toFixed(2) ?? '-'} s`;
}
