import type { Matches } from '../../shared/delta/matches.js';
import type { ElfPair, Segment } from '../../shared/delta/space-table.js';
import { lastAtOrBefore } from '../../shared/last-at-or-before.js';
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
  const segmentOf = new Uint32Array(matches.oldAt.length);
  for (const [i, oldAt] of matches.oldAt.entries()) {
    const segment = lastAtOrBefore(old, oldAt, ({ at: start }) => start);
    segmentOf[i] = segment;
    used.add(segment);
  }
  const numbers = new Map<number, number>();
  const shifts: number[] = [];
  const segments: Segment[] = [];
  const lengths: number[] = [];
  let at = 0;
  for (const [index, { segment, content, at: before }] of old.entries()) {
    shifts.push(before - at);
    if (!used.has(index)) continue;
    numbers.set(index, segments.length);
    segments.push(segment);
    lengths.push(content.length);
    at += content.length;
  }
  return {
    segments,
    lengths,
    matches: {
      ...matches,
      oldAt: matches.oldAt.map((oldAt, i) => oldAt - (shifts[segmentOf[i] ?? 0] ?? 0)),
    },
    elfPairs: elfPairs.map((pair) => ({ ...pair, segment: numbers.get(pair.segment) ?? 0 })),
  };
}
