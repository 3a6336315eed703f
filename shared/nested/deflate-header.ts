/*
 * A cheap look at what may be a deflate stream (RFC 1951): one block header tells most bytes that
 * are none, without starting a decoder for each.
 */

const STORED = 0;
const FIXED = 1;
const DYNAMIC = 2;
const MAX_BIT_LENGTHS = 19;
/** Lengths of the code that the code lengths have; complete when their spans add up to this. */
const COMPLETE = 1 << 7;

/** Whether a deflate stream may start at `at`; false is certain. */
export function mayBeDeflate(bytes: Buffer, at: number): boolean {
  if (at + 12 > bytes.length) return false;
  const first = bytes.readUInt32LE(at);
  const type = (first >>> 1) & 3;
  if (type === STORED) {
    return bytes.readUInt16LE(at + 1) === (~bytes.readUInt16LE(at + 3) & 0xffff);
  }
  if (type === DYNAMIC) {
    const literals = ((first >>> 3) & 31) + 257;
    const distances = ((first >>> 8) & 31) + 1;
    if (literals > 286 || distances > 30) return false;
    return isComplete(bytes, at, ((first >>> 13) & 15) + 4);
  }
  return type === FIXED;
}

/** Whether the code of the code lengths uses all of its space, as every encoder's does. */
function isComplete(bytes: Buffer, at: number, count: number): boolean {
  let used = 0;
  for (let rank = 0; rank < Math.min(count, MAX_BIT_LENGTHS); rank++) {
    const bit = 17 + 3 * rank;
    const length = (bytes.readUInt16LE(at + (bit >> 3)) >> (bit & 7)) & 7;
    if (length > 0) used += COMPLETE >> length;
  }
  return used === COMPLETE;
}
