import type { Machine } from '../measure/machine.js';
import type { Cost } from '../measure/run-measured.js';
import type { SetResult } from './measure-set.js';
import type { Target } from './targets.js';

/** The ways of a new .deb to a machine, besides the full download. */
export const ROUTES = ['exact', 'expanded', 'debdelta'] as const;

export type RouteName = (typeof ROUTES)[number];

/** One run of a route, once its bytes are there. */
export interface RouteRun extends Cost {
  /** Wall-clock seconds by phase, where the program tells; phases may overlap. */
  readonly phases: Readonly<Record<string, number>> | null;
}

/** By number of cores: `'1'`, `'2'`. */
type ByCores<T> = Readonly<Record<string, T>>;

export type RouteResult =
  | {
      readonly kind: 'measured';
      /** To be downloaded. */
      readonly bytes: number;
      readonly runs: ByCores<RouteRun>;
      /** The link speed (Mbit/s) at which the route takes as long as the full download. */
      readonly breakEvenMbit: ByCores<number>;
    }
  | { readonly kind: 'failed'; readonly code: string; readonly error: string }
  | { readonly kind: 'skipped'; readonly reason: string };

export type Measured = Extract<RouteResult, { kind: 'measured' }>;

export interface PairResult {
  readonly name: string;
  /** Of the new .deb: what the full download takes. */
  readonly newBytes: number | null;
  /** Of its data.tar. */
  readonly tarBytes: number | null;
  /** Memory that the encoder of the exact form needs by itself, as its recipe says. */
  readonly encoderBytes: number | null;
  /** `xz -6 -T2` of data.tar alone. */
  readonly xz: ByCores<Cost>;
  /** Of a worker process, which `fetch` starts once for many packages; in no other figure. */
  readonly startUp: ByCores<Pick<Cost, 'wallSeconds' | 'cpuSeconds'>>;
  readonly routes: Readonly<Record<RouteName, RouteResult>>;
}

/** The JSON of `debshoal-bench rebuild`. Bytes and seconds. */
export interface RebuildReport {
  readonly machine: Omit<Machine, 'core'> & { readonly cores: readonly number[] };
  readonly pairs: readonly PairResult[];
  /** All pairs at once; null when that was not asked for. */
  readonly set: SetResult | null;
  readonly targets: readonly Target[];
}

/**
 * Seconds that a run spends as they count: on one core those of the processor, because everything is
 * on it and neighbours on a busy machine do not count; on several those of the clock.
 */
export function secondsSpent(run: Cost, cores: string): number {
  return cores === '1' ? run.cpuSeconds : run.wallSeconds;
}

/** A route of a pair where it was measured. */
export function measuredRoute(pair: PairResult, route: RouteName): Measured[] {
  const result = pair.routes[route];
  return result.kind === 'measured' ? [result] : [];
}
