/** Bytes `start` to `end` (exclusive) of a file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Ranges in order that neither overlap nor touch. */
export type ByteRanges = readonly ByteRange[];

/** `ranges` and `added`, merged. */
export function addRange(ranges: ByteRanges, added: ByteRange): ByteRanges {
  if (added.start >= added.end) return ranges;
  let { start, end } = added;
  const before: ByteRange[] = [];
  const after: ByteRange[] = [];
  for (const range of ranges) {
    if (range.end < start) before.push(range);
    else if (range.start > end) after.push(range);
    else {
      start = Math.min(start, range.start);
      end = Math.max(end, range.end);
    }
  }
  return [...before, { start, end }, ...after];
}

/** `ranges` without the bytes of `removed`. */
export function removeRange(ranges: ByteRanges, removed: ByteRange): ByteRanges {
  // Nothing is removed, but a range around it would be cut in two.
  if (removed.start >= removed.end) return ranges;
  return ranges.flatMap((range) => [
    ...nonEmpty({ start: range.start, end: Math.min(range.end, removed.start) }),
    ...nonEmpty({ start: Math.max(range.start, removed.end), end: range.end }),
  ]);
}

/** `ranges` without the bytes of all `removed`. */
export function removeRanges(ranges: ByteRanges, removed: ByteRanges): ByteRanges {
  return removed.reduce(removeRange, ranges);
}

/** The bytes that are in both. */
export function commonRanges(ranges: ByteRanges, others: ByteRanges): ByteRanges {
  return ranges.flatMap((range) =>
    others.flatMap((other) =>
      nonEmpty({ start: Math.max(range.start, other.start), end: Math.min(range.end, other.end) }),
    ),
  );
}

/** What `ranges` lack of a file of `size` bytes. */
export function missingRanges(ranges: ByteRanges, size: number): ByteRanges {
  const missing: ByteRange[] = [];
  let at = 0;
  for (const { start, end } of ranges) {
    missing.push(...nonEmpty({ start: at, end: start }));
    at = end;
  }
  return [...missing, ...nonEmpty({ start: at, end: size })];
}

/** The bytes in all ranges. */
export function countBytes(ranges: ByteRanges): number {
  return ranges.reduce((sum, range) => sum + range.end - range.start, 0);
}

function nonEmpty(range: ByteRange): ByteRange[] {
  // Both bounds are clamped independently, so an empty result may also be reversed.
  return range.start < range.end ? [range] : [];
}
