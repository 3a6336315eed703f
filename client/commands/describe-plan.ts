import { formatBytes, formatPercent, formatSeconds, formatTable } from '../../shared/cli/format.js';
import { totalSeconds, type Candidate } from '../predict/candidates.js';
import { predictPlan, type Route } from '../steps/choose-route.js';

/** What a plan is described with besides its routes. */
export interface PlanContext {
  readonly cores: number;
  /** Of earlier predictions; null before the first. */
  readonly medianError: number | null;
}

/** The plan as one JSON object; seconds of a candidate are those that it takes alone. */
export function planAsJson(routes: readonly Route[], { cores, medianError }: PlanContext) {
  return {
    packages: routes.map((route) => ({
      package: route.pending.package,
      architecture: route.pending.architecture,
      oldVersion: route.pending.oldVersion,
      newVersion: route.pending.version,
      route: route.kind,
      form: route.kind === 'delta' ? route.form : null,
      bytes: route.bytes,
      fullBytes: route.pending.size,
      seconds: route.chosen === null ? 0 : totalSeconds(route.chosen),
      candidates: route.candidates.map((candidate) => ({
        way: candidate.way,
        bytes: candidate.bytes,
        memoryMiB: candidate.memoryMiB,
        downloadSeconds: candidate.downloadSeconds,
        rebuildSeconds: candidate.rebuildSeconds,
        seconds: totalSeconds(candidate),
      })),
      reason: route.reason,
    })),
    ...totals(routes, cores),
    medianError,
  };
}

function totals(routes: readonly Route[], cores: number) {
  const sum = (of: (route: Route) => number): number =>
    routes.reduce((total, route) => total + of(route), 0);
  return {
    fullBytes: sum(({ pending }) => pending.size),
    bytes: sum(({ bytes }) => bytes),
    /** Of all together, without us and with us. */
    fullSeconds: sum(({ candidates }) => secondsOf(candidates, 'full') ?? 0),
    seconds: predictPlan(routes, cores),
  };
}

const HEADER = [
  ...['package', 'to', 'route', 'bytes', 'full .deb'],
  ...['full', 'exact', 'expanded', 'reason'],
];

/** The plan as a table for people, and what it amounts to. */
export function describePlan(routes: readonly Route[], context: PlanContext): string {
  if (routes.length === 0) return 'Nothing is pending.';
  const table = formatTable(
    HEADER,
    routes.map((route) => [
      route.pending.package,
      route.pending.version,
      route.kind === 'delta' ? `delta, ${route.form}` : route.kind,
      formatBytes(route.bytes),
      formatBytes(route.pending.size),
      ...(['full', 'exact', 'expanded'] as const).map((way) => {
        const seconds = secondsOf(route.candidates, way);
        return seconds === null ? '-' : formatSeconds(seconds);
      }),
      route.reason,
    ]),
  );
  return [table, '', ...summarise(routes, context)].join('\n');
}

function summarise(routes: readonly Route[], { cores, medianError }: PlanContext): string[] {
  const { fullBytes, bytes, fullSeconds, seconds } = totals(routes, cores);
  const count = (kind: Route['kind']): number =>
    routes.filter((route) => route.kind === kind).length;
  const parts = [`${count('delta')} of ${routes.length} by delta`];
  if (count('ready') > 0) parts.push(`${count('ready')} ready for apt`);
  if (count('none') > 0) parts.push(`${count('none')} left to apt`);
  const share = `${formatBytes(bytes)} instead of ${formatBytes(fullBytes)} (${formatPercent(bytes, fullBytes)})`;
  const lines = [`${parts.join(', ')}: ${share}`];
  const time = `Foreseen: ${formatSeconds(seconds)} instead of ${formatSeconds(fullSeconds)}`;
  if (fullSeconds > 0) {
    const error =
      medianError === null ? 'nothing was rebuilt here yet' : formatPercent(medianError, 1);
    lines.push(`${time} (median error so far: ${error}).`);
  }
  return lines;
}

/** The best of a way; candidates are in order of preference. */
function secondsOf(candidates: readonly Candidate[], way: Candidate['way']): number | null {
  const found = candidates.find((candidate) => candidate.way === way);
  return found === undefined ? null : totalSeconds(found);
}
