import { formatBytes, formatSeconds } from '../../shared/cli/format.js';
import type { PendingPackage } from '../apt/pending-upgrades.js';
import { jobOf, totalSeconds, type Candidate } from '../predict/candidates.js';
import { chooseSet } from '../predict/choose-set.js';
import {
  findWays,
  type DeltaWay,
  type FindWaysOptions,
  type IndexedAt,
  type Ways,
} from '../predict/find-ways.js';
import { longestFirst, scheduleSeconds } from '../predict/schedule.js';
import type { LoadedIndex } from './fetch-indexes.js';

interface EveryRoute {
  readonly pending: PendingPackage;
  /** To download. */
  readonly bytes: number;
  /** Why, in a few words. */
  readonly reason: string;
  /** All that there were to choose from, and the one that was chosen; alone on the machine. */
  readonly candidates: readonly Candidate[];
  readonly chosen: Candidate | null;
}

/**
 * How a pending package comes to this machine. `delta`: rebuilt from a delta; `full`: the whole
 * .deb from swarm and mirror; `ready`: an earlier run has handed it over and it waits for apt;
 * `none`: left to apt.
 */
export type Route =
  | (EveryRoute &
      Omit<DeltaWay, 'candidate'> & {
        readonly kind: 'delta';
        readonly oldPackage: string;
        readonly oldVersion: string;
        readonly chosen: Candidate;
      })
  | (EveryRoute & IndexedAt & { readonly kind: 'full'; readonly chosen: Candidate })
  | (EveryRoute & { readonly kind: 'ready' | 'none' });

/** A route that this machine has to go itself. */
export type ActiveRoute = Extract<Route, { kind: 'delta' | 'full' }>;

/**
 * Chooses a route for each pending package, all together, for they share link and cores. Pure.
 * `handedOver` are names in apt's cache.
 */
export function chooseRoutes(
  pending: readonly PendingPackage[],
  indexes: readonly LoadedIndex[],
  handedOver: ReadonlySet<string>,
  options: FindWaysOptions,
): Route[] {
  const open = pending.filter(({ archiveName }) => !handedOver.has(archiveName));
  const ways = new Map(findWays(open, indexes, options).map((one) => [one.pending, one]));
  const choices = [...ways.values()].flatMap((one) => {
    const [best] = one.deltas;
    if (best === undefined) return [];
    const full = jobOf(one.full, !isCarried(one.indexed));
    return [{ one, best, full, delta: jobOf(best.candidate, false) }];
  });
  const others = [...ways.values()]
    .filter(({ deltas }) => deltas.length === 0)
    .map(({ full, indexed }) => jobOf(full, !isCarried(indexed)));
  const byDelta = chooseSet(choices, others, options.cores, options.prefer);
  const chosen = new Map(choices.flatMap(({ one, best }, i) => (byDelta[i] ? [[one, best]] : [])));
  return pending.map((one) => {
    const its = ways.get(one);
    if (its === undefined) return ready(one);
    const way = chosen.get(its);
    return way === undefined ? fullRoute(its) : deltaRoute(its, way);
  });
}

/** The routes that this machine goes itself, in the order that was predicted. */
export function activeRoutes(routes: readonly Route[]): ActiveRoute[] {
  return routes
    .filter((route) => route.kind === 'delta' || route.kind === 'full')
    .sort((a, b) => longestFirst(jobOf(a.chosen, false), jobOf(b.chosen, false)));
}

/** Seconds until apt has all packages of a plan; see scheduleSeconds. */
export function predictPlan(routes: readonly Route[], cores: number): number {
  const jobs = routes.flatMap(({ kind, chosen }) =>
    chosen === null ? [] : [jobOf(chosen, kind === 'none')],
  );
  return scheduleSeconds(jobs.sort(longestFirst), cores);
}

/** A full .deb is worth our while when peers have it; from a mirror apt gets it as well. */
function isCarried(indexed: IndexedAt | null): indexed is IndexedAt {
  return indexed !== null && indexed.entry.infoHash !== null;
}

function ready(pending: PendingPackage): Route {
  const reason = 'waits for apt already';
  return { kind: 'ready', pending, bytes: 0, reason, candidates: [], chosen: null };
}

function candidatesOf({ full, deltas }: Ways): Candidate[] {
  return [full, ...deltas.map(({ candidate }) => candidate)];
}

function deltaRoute(ways: Ways, way: DeltaWay): Route {
  const { pending, full } = ways;
  const { candidate: chosen, ...rest } = way;
  return {
    kind: 'delta',
    pending,
    oldPackage: way.delta.oldPackage,
    oldVersion: way.delta.oldVersion,
    bytes: chosen.bytes,
    reason: `delta: ${compare(chosen, full)}`,
    candidates: candidatesOf(ways),
    chosen,
    ...rest,
  };
}

function fullRoute(ways: Ways): Route {
  const { pending, indexed, full, deltas, obstacle } = ways;
  const [best] = deltas;
  const reason = best ? `full: ${compare(full, best.candidate)}` : obstacle;
  const route = { pending, bytes: pending.size, reason, candidates: candidatesOf(ways) };
  return isCarried(indexed)
    ? { kind: 'full', ...route, chosen: full, ...indexed }
    : { kind: 'none', ...route, chosen: full };
}

/** What speaks for a choice: time if it does, else bytes, else that something has to be first. */
function compare(chosen: Candidate, other: Candidate): string {
  const [ours, theirs] = [totalSeconds(chosen), totalSeconds(other)];
  if (ours < theirs) return `${formatSeconds(ours)} instead of ${formatSeconds(theirs)}`;
  if (chosen.bytes < other.bytes) {
    return `${formatBytes(chosen.bytes)} instead of ${formatBytes(other.bytes)}`;
  }
  return 'the cores have enough to do';
}
