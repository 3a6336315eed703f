import { longestFirst, scheduleSeconds, type Job } from './schedule.js';

/** By what routes are chosen: fewest bytes, least time, or time and with little lost, bytes. */
export const PREFERENCES = ['auto', 'time', 'bytes'] as const;
export type Preference = (typeof PREFERENCES)[number];

/** The two ways that one package could go. */
export interface Choice {
  readonly full: Job;
  /** Fewer bytes than the full .deb. */
  readonly delta: Job;
}

/** What `auto` spends of all the time, or in seconds if that is more, to save bytes. */
const TIE_SHARE = 0.05;
const TIE_SECONDS = 0.5;

/**
 * Which packages go by delta. `bytes`: all. `time`: those with which all packages together are
 * there soonest, never later than without any delta. `auto`: also those that delay the whole no more
 * than by TIE_SECONDS or TIE_SHARE. Pure; `others` are jobs that have no choice.
 *
 * Rebuilding costs time on cores and spares time on the link, and both go on side by side; so what a
 * delta is worth depends on the others. Exact choice is a knapsack; tried instead is, from all full
 * and from all deltas, to turn one package at a time to its other way, best gain first.
 */
export function chooseSet(
  choices: readonly Choice[],
  others: readonly Job[],
  cores: number,
  prefer: Preference,
): boolean[] {
  const all = choices.map(() => true);
  if (prefer === 'bytes') return all;
  const numbered = [...choices.entries()].sort(([, a], [, b]) => longestFirst(a.delta, b.delta));
  const seconds = (byDelta: readonly boolean[]): number =>
    scheduleSeconds(
      [...others, ...numbered.map(([i, one]) => (byDelta[i] ? one.delta : one.full))],
      cores,
    );
  const order = [...choices.keys()].sort((a, b) => gain(choices[b]) - gain(choices[a]));
  const turn = (start: readonly boolean[], to: boolean, budget: number | null): boolean[] => {
    const current = [...start];
    let least = seconds(current);
    for (const i of to ? order : order.toReversed()) {
      if (current[i] === to) continue;
      current[i] = to;
      const now = seconds(current);
      if (budget === null ? now < least : now <= budget) least = now;
      else current[i] = !to;
    }
    return current;
  };
  const none = choices.map(() => false);
  const ways = [turn(none, true, null), turn(all, false, null)];
  const best = ways.reduce((a, b) => (seconds(b) < seconds(a) ? b : a));
  if (prefer === 'time') return best;
  const least = seconds(best);
  return turn(best, true, least + Math.max(TIE_SECONDS, least * TIE_SHARE));
}

/** Seconds of the link that a second of a core saves. */
function gain(choice: Choice | undefined): number {
  if (choice === undefined) return 0;
  const { full, delta } = choice;
  return (full.download - delta.download) / (delta.rebuild + 1e-6);
}
