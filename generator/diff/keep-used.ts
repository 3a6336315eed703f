import type { Matches } from '../../shared/delta/matches.js';
import type { ElfPair, Segment } from '../../shared/delta/space-table.js';
import type { MatchedSpaces } from './match-spaces.js';
import type { OldContent } from './spaces.js';

export interface UsedSpaces {
  readonly segments: readonly Segment[];
  /** Of the segments. */
  readonly lengths: readonly number[];
  readonly matches: Matches;
  readonly elfPairs: readonly ElfPair[];
}

/** Leaves out the old files that nothing was matched with, and moves the others together. */
export function keepUsed(
  { matches, elfPairs }: MatchedSpaces,
  old: readonly OldContent[],
): UsedSpaces {
  const used = new Set(elfPairs.map(({ segment }) => segment));
  const segmentOf = new Uint32Array(matches.length);
  for (const [i, { oldAt }] of matches.entries()) {
    const segment = findSegment(old, oldAt);
    segmentOf[i] = segment;
    used.add(segment);
  }
  const numbers = new Map<number, number>();
  const shifts = new Map<number, number>();
  const segments: Segment[] = [];
  const lengths: number[] = [];
  let at = 0;
  for (const [index, { segment, content, at: before }] of old.entries()) {
    if (!used.has(index)) continue;
    numbers.set(index, segments.length);
    shifts.set(index, before - at);
    segments.push(segment);
    lengths.push(content.length);
    at += content.length;
  }
  return {
    segments,
    lengths,
    matches: {
      newAt: Uint32Array.from(matches, ({ newAt }) => newAt),
      oldAt: Uint32Array.from(matches, ({ oldAt }, i) => {
        return oldAt - (shifts.get(segmentOf[i] ?? 0) ?? 0);
      }),
      length: Uint32Array.from(matches, ({ length }) => length),
    },
    elfPairs: elfPairs.map((pair) => ({ ...pair, segment: numbers.get(pair.segment) ?? 0 })),
  };
}

function findSegment(old: readonly OldContent[], at: number): number {
  let low = 0;
  let high = old.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((old[middle]?.at ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
