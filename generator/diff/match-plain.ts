import type { Matches } from '../../shared/delta/matches.js';
import { DebshoalError, isDebshoalError } from '../../shared/errors.js';
import { findMatches } from '../../shared/kernel/find-matches.js';
import { lastAtOrBefore } from '../../shared/last-at-or-before.js';

/** Bytes of a space, and where they begin in it. */
export interface Stretch {
  readonly at: number;
  readonly bytes: Buffer;
}

export interface MatchedStretch {
  /** `newAt` counts from the start of the stretch, `oldAt` in the whole old space. */
  readonly matches: Matches;
  /** Matched bytes less the old ones; the others as they are. */
  readonly residual: Uint8Array;
}

type FindMatches = typeof findMatches;

/**
 * Matches all new stretches at once with all old ones; by `at` of the new ones. What is too large
 * for that is matched by halves: both sides are in the order of the package, so that files mostly
 * stay with their predecessors. A single stretch that is too large is not matched.
 */
export function matchPlain(
  fresh: readonly Stretch[],
  old: readonly Stretch[],
  find: FindMatches = findMatches,
): Map<number, MatchedStretch> {
  try {
    return matchAtOnce(fresh, old, find);
  } catch (error) {
    if (!isDebshoalError(error, 'limit-exceeded')) throw error;
  }
  if (fresh.length <= 1 && old.length <= 1) {
    return new Map(fresh.map(({ at, bytes }) => [at, { matches: NO_MATCHES, residual: bytes }]));
  }
  const [firstFresh, otherFresh] = halve(fresh);
  const [firstOld, otherOld] = halve(old);
  return new Map([
    ...matchPlain(firstFresh, firstOld, find),
    ...matchPlain(otherFresh, otherOld, find),
  ]);
}

const NO_MATCHES: Matches = {
  newAt: Uint32Array.of(),
  oldAt: Uint32Array.of(),
  length: Uint32Array.of(),
};

/** Two halves by bytes, the middle stretch in the first one. */
function halve(stretches: readonly Stretch[]): [readonly Stretch[], readonly Stretch[]] {
  const sums = starts(stretches);
  const middle = (sums.at(-1) ?? 0) / 2;
  const count = sums.findIndex((sum) => sum >= middle);
  // Never all of them, which would not be fewer.
  const cut = Math.min(count, Math.max(1, stretches.length - 1));
  return [stretches.slice(0, cut), stretches.slice(cut)];
}

function matchAtOnce(
  fresh: readonly Stretch[],
  old: readonly Stretch[],
  find: FindMatches,
): Map<number, MatchedStretch> {
  const oldBytes = joined(old);
  const found = splitAtEnds(find(oldBytes, joined(fresh)), fresh, old);
  return new Map(
    fresh.map((stretch, index) => {
      const { newAt, oldAt, length, joinedAt } = found[index] ?? EMPTY;
      const residual = new Uint8Array(stretch.bytes);
      for (const [i, from] of newAt.entries()) {
        const base = joinedAt[i] ?? 0;
        const end = length[i] ?? 0;
        for (let k = 0; k < end; k++) {
          residual[from + k] = (residual[from + k] ?? 0) - (oldBytes[base + k] ?? 0);
        }
      }
      const matches = {
        newAt: Uint32Array.from(newAt),
        oldAt: Uint32Array.from(oldAt),
        length: Uint32Array.from(length),
      };
      return [stretch.at, { matches, residual }];
    }),
  );
}

/** `limit-exceeded` for more bytes than can be matched, before they are copied. */
function joined(stretches: readonly Stretch[]): Buffer {
  const length = stretches.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (length > MOST_JOINED) throw new DebshoalError('limit-exceeded', `${length} bytes to match`);
  return Buffer.concat(stretches.map(({ bytes }) => bytes));
}

/** As many as `findMatches` may ever take. */
const MOST_JOINED = 2 ** 30;

interface Found {
  readonly newAt: number[];
  readonly oldAt: number[];
  readonly length: number[];
  /** Where the old bytes are in all old stretches joined. */
  readonly joinedAt: number[];
}

const EMPTY: Found = { newAt: [], oldAt: [], length: [], joinedAt: [] };

/** Cuts matches where a new or an old stretch ends, and sorts them by new stretches. */
function splitAtEnds(
  matches: Matches,
  fresh: readonly Stretch[],
  old: readonly Stretch[],
): Found[] {
  const found = fresh.map((): Found => ({ newAt: [], oldAt: [], length: [], joinedAt: [] }));
  const newStarts = starts(fresh);
  const oldStarts = starts(old);
  let index = 0;
  for (let i = 0; i < matches.newAt.length; i++) {
    let from = matches.newAt[i] ?? 0;
    let joined = matches.oldAt[i] ?? 0;
    let left = matches.length[i] ?? 0;
    while (left > 0) {
      while ((newStarts[index + 1] ?? Infinity) <= from) index++;
      const source = lastAtOrBefore(oldStarts, joined, (start) => start);
      const newEnd = newStarts[index + 1] ?? Infinity;
      const oldEnd = oldStarts[source + 1] ?? Infinity;
      const length = Math.min(left, newEnd - from, oldEnd - joined);
      const into = found[index];
      const base = old[source];
      if (!into || !base) throw new Error('a match outside its stretches');
      into.newAt.push(from - (newStarts[index] ?? 0));
      into.oldAt.push(base.at + joined - (oldStarts[source] ?? 0));
      into.length.push(length);
      into.joinedAt.push(joined);
      from += length;
      joined += length;
      left -= length;
    }
  }
  return found;
}

function starts(stretches: readonly Stretch[]): number[] {
  let at = 0;
  const found = stretches.map(({ bytes }) => {
    const start = at;
    at += bytes.length;
    return start;
  });
  return [...found, at];
}
