import {
  megabytes,
  oneCell,
  ratio,
  seconds,
  table,
  type Cells,
} from '../measure/markdown-table.js';
import type { Cost } from '../measure/run-measured.js';
import { breakEvenMbit } from './break-even.js';
import type { PairResult, RebuildReport, RouteResult } from './results.js';
import {
  commonPairs,
  coreCounts,
  describeConditions,
  ROUTE_TITLES,
  routesOf,
  sumRoutes,
} from './totals.js';

/** The whole report for people: every run, totals, targets. */
export function toMarkdown(report: RebuildReport): string {
  const { pairs, set } = report;
  return [
    describeConditions(report),
    '',
    'CPU and wall-clock seconds, peak MB, MB passed to and from the kernel, link speed (Mbit/s) that',
    'equals the full download; xz is `xz -6 -T2` on data.tar alone:',
    '',
    runs(pairs),
    '',
    'Wall-clock seconds by phase:',
    '',
    phases(pairs),
    '',
    'Totals over the pairs that all routes could do:',
    '',
    totals(pairs),
    ...(set === null
      ? []
      : [
          '',
          `${set.packages} packages at once on ${set.cores} cores: ${seconds(set.wallSeconds)} s (${seconds(set.cpuSeconds)} CPU s); xz alone ${seconds(set.xzCpuSeconds)} CPU s.`,
        ]),
    '',
    'Targets:',
    '',
    targets(report),
  ].join('\n');
}

const RUN_COLUMNS = [
  ...['pair', 'route', 'cores', 'bytes', 'CPU s', 'wall s', 'CPU ÷ xz'],
  ...['peak MB', 'read MB', 'written MB', 'break-even Mbit/s'],
];

function runs(pairs: readonly PairResult[]): string {
  const rows = pairs.flatMap((pair): Cells[] => {
    const none = Array<string>(6).fill('-');
    const xz = Object.entries(pair.xz).map(([cores, cost]): Cells => {
      return [pair.name, 'xz', cores, '-', ...costs(cost, null), '-'];
    });
    const start = Object.entries(pair.startUp).map(([cores, cost]): Cells => {
      const times = [seconds(cost.cpuSeconds), seconds(cost.wallSeconds)];
      return [pair.name, 'start-up of a worker', cores, '-', ...times, ...none.slice(1)];
    });
    const full: Cells = [pair.name, 'full', '-', pair.newBytes ?? '-', ...none, '-'];
    const routes = Object.entries(pair.routes).flatMap(([route, result]) =>
      routeRows(pair, route, result),
    );
    return [full, ...xz, ...start, ...routes];
  });
  return table(RUN_COLUMNS, rows);
}

function routeRows(pair: PairResult, route: string, result: RouteResult): Cells[] {
  if (result.kind !== 'measured') {
    const why = result.kind === 'failed' ? `${result.code}: ${result.error}` : result.reason;
    return [[pair.name, route, '-', oneCell(why), ...Array<string>(7).fill('-')]];
  }
  return Object.entries(result.runs).map(([cores, run]) => [
    pair.name,
    route,
    cores,
    result.bytes,
    ...costs(run, pair.xz[cores] ?? null),
    speed(result.breakEvenMbit[cores] ?? null),
  ]);
}

function costs(cost: Cost, xz: Cost | null): string[] {
  return [
    seconds(cost.cpuSeconds),
    seconds(cost.wallSeconds),
    ratio(xz && cost.cpuSeconds / xz.cpuSeconds),
    megabytes(cost.peakRssBytes),
    (cost.readBytes / 1e6).toFixed(1),
    (cost.writtenBytes / 1e6).toFixed(1),
  ];
}

function speed(mbit: number | null): string {
  if (mbit === null) return '-';
  return Number.isFinite(mbit) ? mbit.toFixed(1) : 'any';
}

function phases(pairs: readonly PairResult[]): string {
  const all = pairs.flatMap((pair) =>
    Object.entries(pair.routes).flatMap(([route, result]) =>
      result.kind === 'measured'
        ? Object.entries(result.runs).flatMap(([cores, run]) =>
            run.phases === null ? [] : [{ name: pair.name, route, cores, phases: run.phases }],
          )
        : [],
    ),
  );
  const names = [...new Set(all.flatMap((one) => Object.keys(one.phases)))];
  return table(
    ['pair', 'route', 'cores', ...names.map((name) => `${name} s`)],
    all.map((one) => [
      one.name,
      one.route,
      one.cores,
      ...names.map((name) => seconds(one.phases[name] ?? null)),
    ]),
  );
}

function totals(pairs: readonly PairResult[]): string {
  const routes = routesOf(pairs);
  const common = commonPairs(pairs, routes);
  const rows = coreCounts(common).flatMap((cores) => {
    const sums = sumRoutes(common, routes, cores);
    const full = sums[0]?.bytes ?? 0;
    return sums.map(({ route, bytes, seconds: spent }): Cells => {
      const evenAt = route === 'full' ? null : breakEvenMbit(full - bytes, spent);
      return [ROUTE_TITLES[route], cores, common.length, bytes, seconds(spent), speed(evenAt)];
    });
  });
  return table(['route', 'cores', 'pairs', 'bytes', 'seconds', 'break-even Mbit/s'], rows);
}

function targets({ targets: all }: RebuildReport): string {
  return table(
    ['target', 'wanted', 'found', 'met'],
    all.map(({ name, wanted, found, isMet }) => [
      name,
      wanted,
      found ?? 'not measured',
      isMet === null ? '-' : isMet ? 'yes' : 'NO',
    ]),
  );
}
