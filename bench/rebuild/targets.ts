import { median } from '../../shared/median.js';
import type { Cost } from '../measure/run-measured.js';
import type { SetResult } from './measure-set.js';
import { measuredRoute, type PairResult, type RouteName, type RouteRun } from './results.js';

/** A promise of the project, and what this run says about it. */
export interface Target {
  readonly name: string;
  /** Such as `≤ 1.10`. */
  readonly wanted: string;
  /** Such as `1.07 (median 1.03, worst: git)`; null: not measured. */
  readonly found: string | null;
  readonly isMet: boolean | null;
}

/** Smaller packages spend their time on starting; they are in the tables. */
const LARGE_PAIR = 1e6;
const MAX_EXACT_TO_XZ = 1.1;
const MAX_SET_TO_XZ = 1.15;
const MAX_EXPANDED_TO_XZ = 0.1;
const MIN_BREAK_EVEN_MBIT = 60;
const MAX_PEAK_BYTES = 100e6;
/** All targets but that of the set are of one core. */
const ONE_CORE = '1';

/** What the pairs and the set of one run say about the targets. */
export function checkTargets(pairs: readonly PairResult[], set: SetResult | null): Target[] {
  const large = pairs.filter(({ newBytes }) => (newBytes ?? 0) >= LARGE_PAIR);
  return [
    worstOf('exact rebuild ÷ xz, CPU time', MAX_EXACT_TO_XZ, ratiosToXz(large, 'exact'), twoDigits),
    {
      name: 'set on several cores: wall time ÷ (CPU time of xz ÷ cores)',
      wanted: `≤ ${twoDigits(MAX_SET_TO_XZ)}`,
      found: set && `${twoDigits(set.ratio)} (${set.packages} packages, ${set.cores} cores)`,
      isMet: set && set.ratio <= MAX_SET_TO_XZ,
    },
    worstOf(
      'expanded rebuild ÷ xz, CPU time',
      MAX_EXPANDED_TO_XZ,
      ratiosToXz(large, 'expanded'),
      (value) => value.toFixed(3),
    ),
    medianBreakEven(large),
    worstOf('peak memory, expanded, MB', MAX_PEAK_BYTES, peaks(pairs, 'expanded'), megabytes),
    worstOf(
      'peak memory less that of the encoder, exact, MB',
      MAX_PEAK_BYTES,
      peaks(pairs, 'exact'),
      megabytes,
    ),
  ];
}

interface Named {
  readonly name: string;
  readonly value: number;
}

const twoDigits = (value: number): string => value.toFixed(2);
const megabytes = (value: number): string => (value / 1e6).toFixed(0);

/** A target that holds when no pair misses it. */
function worstOf(
  name: string,
  most: number,
  values: readonly Named[],
  format: (value: number) => string,
): Target {
  const wanted = `≤ ${format(most)}`;
  const [worst] = [...values].sort((a, b) => b.value - a.value);
  if (worst === undefined) return { name, wanted, found: null, isMet: null };
  const middle = format(median(values.map(({ value }) => value)) ?? NaN);
  const missed = values.filter(({ value }) => value > most).length;
  const found = `${format(worst.value)} (${worst.name}; median ${middle}; ${missed} of ${values.length} miss it)`;
  return { name, wanted, found, isMet: missed === 0 };
}

function medianBreakEven(pairs: readonly PairResult[]): Target {
  const middleOf = (route: RouteName): number | null =>
    median(
      pairs.flatMap((pair) =>
        measuredRoute(pair, route).flatMap(({ breakEvenMbit }) => breakEvenMbit[ONE_CORE] ?? []),
      ),
    );
  const [ours, theirs] = [middleOf('expanded'), middleOf('debdelta')];
  const name = 'expanded: link speed that equals the full download, median, Mbit/s';
  const wanted = `≥ ${MIN_BREAK_EVEN_MBIT}`;
  if (ours === null) return { name, wanted, found: null, isMet: null };
  const beside = theirs === null ? '' : ` (debdelta ${theirs.toFixed(1)})`;
  return {
    name,
    wanted,
    found: `${ours.toFixed(0)}${beside}`,
    isMet: ours >= MIN_BREAK_EVEN_MBIT,
  };
}

function runsOf(pair: PairResult, route: RouteName): RouteRun[] {
  return measuredRoute(pair, route).flatMap(({ runs }) => runs[ONE_CORE] ?? []);
}

function ratiosToXz(pairs: readonly PairResult[], route: RouteName): Named[] {
  return pairs.flatMap((pair) => {
    const xz: Cost | undefined = pair.xz[ONE_CORE];
    if (xz === undefined) return [];
    return runsOf(pair, route).map((run) => ({
      name: pair.name,
      value: run.cpuSeconds / xz.cpuSeconds,
    }));
  });
}

/**
 * Of an exact rebuild less what the encoder needs by itself: not more than xz took, which had less
 * to encode than a whole block, nor than one thread needs, where xz had two.
 */
function peaks(pairs: readonly PairResult[], route: 'exact' | 'expanded'): Named[] {
  return pairs.flatMap((pair) => {
    const [declared, used] = [pair.encoderBytes ?? 0, pair.xz[ONE_CORE]?.peakRssBytes ?? 0];
    const encoder = route === 'exact' ? Math.min(declared, used) : 0;
    return runsOf(pair, route).map((run) => ({
      name: pair.name,
      value: run.peakRssBytes - encoder,
    }));
  });
}
