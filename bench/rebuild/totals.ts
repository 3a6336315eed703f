import {
  measuredRoute,
  ROUTES,
  secondsSpent,
  type PairResult,
  type RebuildReport,
  type RouteName,
} from './results.js';

/** A way to the new .debs as the plots and the totals see it. */
export interface RouteSum {
  readonly route: 'full' | RouteName;
  readonly bytes: number;
  readonly seconds: number;
}

/** The core counts that were measured, ascending. */
export function coreCounts(pairs: readonly PairResult[]): string[] {
  const counts = pairs.flatMap((pair) => Object.keys(pair.xz));
  return [...new Set(counts)].sort((a, b) => Number(a) - Number(b));
}

/** The routes that were measured on some pair. */
export function routesOf(pairs: readonly PairResult[]): RouteName[] {
  return ROUTES.filter((route) => pairs.some((pair) => measuredRoute(pair, route).length > 0));
}

/** The pairs that all these routes could do: only they can be added up beside each other. */
export function commonPairs(
  pairs: readonly PairResult[],
  routes: readonly RouteName[],
): PairResult[] {
  return pairs.filter((pair) => routes.every((route) => measuredRoute(pair, route).length > 0));
}

/** Bytes and seconds of the full download and of each route over `pairs`. */
export function sumRoutes(
  pairs: readonly PairResult[],
  routes: readonly RouteName[],
  cores: string,
): RouteSum[] {
  const full = pairs.reduce((sum, pair) => sum + (pair.newBytes ?? 0), 0);
  return [
    { route: 'full', bytes: full, seconds: 0 },
    ...routes.map((route): RouteSum => {
      const done = pairs.flatMap((pair) => measuredRoute(pair, route));
      return {
        route,
        bytes: done.reduce((sum, { bytes }) => sum + bytes, 0),
        seconds: done.reduce((sum, { runs }) => {
          const run = runs[cores];
          return sum + (run === undefined ? 0 : secondsSpent(run, cores));
        }, 0),
      };
    }),
  ];
}

/** What the routes are beside each other, for people. */
export const ROUTE_TITLES: Readonly<Record<RouteSum['route'], string>> = {
  full: 'full download',
  exact: 'delta, exact .deb',
  expanded: 'delta, expanded .deb',
  debdelta: 'debdelta, debpatch',
};

/** Wall-clock seconds of all runs of a route by phase, where it tells them. */
export function sumPhases(
  pairs: readonly PairResult[],
  route: RouteName,
  cores: string,
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { runs } of pairs.flatMap((pair) => measuredRoute(pair, route))) {
    for (const [phase, seconds] of Object.entries(runs[cores]?.phases ?? {})) {
      sums[phase] = (sums[phase] ?? 0) + seconds;
    }
  }
  return sums;
}

/** Where the figures are from, and whether to trust the clock. */
export function describeConditions({ machine, pairs }: RebuildReport): string {
  const cores = machine.cores.join(', ');
  const conditions = `${machine.processor}, cores ${cores}, Node ${machine.node}; ${machine.packages.join(', ')}; ${pairs.length} pairs.`;
  const busy = clockToCpu(pairs);
  if (busy === null || busy < BUSY) return conditions;
  return `${conditions} Other programs were at work: on one core the clock ran ${busy.toFixed(1)} times as long as the processor, so that wall-clock times are too long.`;
}

/** From here on it is not the disk that is waited for. */
const BUSY = 1.25;

/** Wall-clock over CPU seconds of xz on one core, which waits for nothing but the processor. */
function clockToCpu(pairs: readonly PairResult[]): number | null {
  const runs = pairs.flatMap(({ xz }) => xz['1'] ?? []);
  const cpu = runs.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const wall = runs.reduce((sum, { wallSeconds }) => sum + wallSeconds, 0);
  return cpu > 0 ? wall / cpu : null;
}
