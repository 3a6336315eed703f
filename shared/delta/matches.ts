import { DebshoalError } from '../errors.js';
import { ByteReader, ByteWriter } from '../io/byte-codec.js';

/**
 * Stretches of new bytes that resemble stretches of old ones, in order of `newAt`, not overlapping;
 * what none covers is new. The three columns have the same length.
 */
export interface Matches {
  readonly newAt: Uint32Array;
  readonly oldAt: Uint32Array;
  readonly length: Uint32Array;
}

/** Matches as three streams of varints: new bytes before each, its length, its step in the old. */
export interface MatchColumns {
  readonly gap: Buffer;
  readonly length: Buffer;
  readonly step: Buffer;
}

export function encodeMatches({ newAt, oldAt, length }: Matches): MatchColumns {
  const [gaps, lengths, steps] = [new ByteWriter(), new ByteWriter(), new ByteWriter()];
  let newEnd = 0;
  let oldEnd = 0;
  for (let i = 0; i < newAt.length; i++) {
    const [n, o, l] = [newAt[i] ?? 0, oldAt[i] ?? 0, length[i] ?? 0];
    gaps.varint(n - newEnd);
    lengths.varint(l);
    steps.signedVarint(o - oldEnd);
    newEnd = n + l;
    oldEnd = o + l;
  }
  return { gap: gaps.finish(), length: lengths.finish(), step: steps.finish() };
}

/** Every match lies within `newLength` and `oldLength`; `delta-damaged` otherwise. */
export function decodeMatches(
  columns: MatchColumns,
  newLength: number,
  oldLength: number,
): Matches {
  const count = countVarints(columns.length);
  const matches = {
    newAt: new Uint32Array(count),
    oldAt: new Uint32Array(count),
    length: new Uint32Array(count),
  };
  const gaps = new ByteReader(columns.gap);
  const lengths = new ByteReader(columns.length);
  const steps = new ByteReader(columns.step);
  let newEnd = 0;
  let oldEnd = 0;
  for (let i = 0; i < count; i++) {
    const newAt = newEnd + gaps.varint(newLength);
    const oldAt = oldEnd + steps.signedVarint(MAX_SPACE);
    const length = lengths.varint(newLength);
    if (newAt + length > newLength || oldAt < 0 || oldAt + length > oldLength) {
      throw new DebshoalError('delta-damaged', 'a match outside the files');
    }
    matches.newAt[i] = newAt;
    matches.oldAt[i] = oldAt;
    matches.length[i] = length;
    newEnd = newAt + length;
    oldEnd = oldAt + length;
  }
  for (const column of [gaps, lengths, steps]) column.expectEnd();
  return matches;
}

/** Positions are 32-bit numbers in the kernels. */
export const MAX_SPACE = 2 ** 32 - 1;

function countVarints(column: Buffer): number {
  let count = 0;
  for (const byte of column) if (byte < 0x80) count++;
  return count;
}

/** The matches that lie in [from, to) of the new bytes, with `newAt` counted from `from`. */
export function matchesWithin(
  matches: Matches,
  from: number,
  to: number,
  cursor: { at: number },
): Matches {
  const start = cursor.at;
  let end = start;
  while (end < matches.newAt.length && (matches.newAt[end] ?? 0) < to) end++;
  cursor.at = end;
  const last = end - 1;
  if (end > start) {
    const first = matches.newAt[start] ?? 0;
    if (first < from || (matches.newAt[last] ?? 0) + (matches.length[last] ?? 0) > to) {
      throw new DebshoalError('delta-damaged', 'a match across the end of a file');
    }
  }
  return {
    newAt: matches.newAt.slice(start, end).map((at) => at - from),
    oldAt: matches.oldAt.slice(start, end),
    length: matches.length.slice(start, end),
  };
}
