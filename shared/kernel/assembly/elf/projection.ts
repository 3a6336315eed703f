import { reserve } from '../memory-stack';
import { radixSort } from './sort';

/** Where stretches of the old file went, as the matches say; both sides derive the same. */
@unmanaged
export class Projection {
  /** Rows of 16 bytes (old offset, length, new offset less old) in order, not overlapping. */
  rows: usize;
  count: u32;
  blocks: usize;
  oldLength: u32;
}

/** Columns of `Matches`, checked to lie within both files and to be in order of the new one. */
@unmanaged
export class MatchColumns {
  newAt: usize;
  oldAt: usize;
  length: usize;
  count: u32;
}

const ROW_BYTES: usize = 16;
const BLOCK_BITS: u32 = 9;

export function column(base: usize, row: u32): u32 {
  return load<u32>(base + ((<usize>row) << 2));
}

/**
 * A stretch of old bytes may have been matched several times; the longest match decides, of equal
 * ones the first.
 */
export function buildProjection(matches: MatchColumns, oldLength: u32): Projection {
  const count = matches.count;
  const keys = reserve((<usize>count) << 3);
  for (let row: u32 = 0; row < count; row++) {
    store<u64>(keys + ((<usize>row) << 3), ((<u64>column(matches.oldAt, row)) << 32) | row);
  }
  const order = radixSort(keys, reserve((<usize>count) << 3), count, 32);
  const projection = changetype<Projection>(reserve(offsetof<Projection>()));
  projection.oldLength = oldLength;
  projection.count = 0;
  projection.rows = reserve((<u64>count * 2 + 1) * ROW_BYTES);
  sweep(matches, order, projection);
  indexBlocks(projection);
  return projection;
}

/** Goes through the old file with a heap of the matches that reach the current offset. */
function sweep(matches: MatchColumns, order: usize, projection: Projection): void {
  const count = matches.count;
  const open = reserve((<usize>(count + 1)) << 2);
  let openCount: u32 = 0;
  let at: u32 = 0;
  let next: u32 = 0;
  while (next < count || openCount != 0) {
    if (openCount == 0) at = column(matches.oldAt, rowAt(order, next));
    while (next < count && column(matches.oldAt, rowAt(order, next)) <= at) {
      openCount = push(matches, open, openCount, rowAt(order, next++));
    }
    const best = column(open, 0);
    const end = column(matches.oldAt, best) + column(matches.length, best);
    if (end <= at) {
      openCount = pop(matches, open, openCount);
      continue;
    }
    // The best one goes on until a better one begins.
    let until = end;
    while (next < count) {
      const row = rowAt(order, next);
      const start = column(matches.oldAt, row);
      if (start >= end) break;
      if (isBetter(matches, row, best)) {
        until = start;
        break;
      }
      openCount = push(matches, open, openCount, row);
      next++;
    }
    append(projection, at, until - at, matches, best);
    at = until;
  }
}

function append(
  projection: Projection,
  start: u32,
  length: u32,
  matches: MatchColumns,
  match: u32,
): void {
  const row = rowAddress(projection, projection.count);
  projection.count++;
  store<u32>(row, start);
  store<u32>(row, length, 4);
  store<i64>(row, <i64>column(matches.newAt, match) - <i64>column(matches.oldAt, match), 8);
}

function rowAt(order: usize, index: u32): u32 {
  return <u32>load<u64>(order + ((<usize>index) << 3));
}

function isBetter(matches: MatchColumns, one: u32, other: u32): bool {
  const length = column(matches.length, one);
  const otherLength = column(matches.length, other);
  return length > otherLength || (length == otherLength && one < other);
}

function push(matches: MatchColumns, open: usize, count: u32, match: u32): u32 {
  let slot = count;
  while (slot > 0) {
    const parent = (slot - 1) >>> 1;
    if (!isBetter(matches, match, column(open, parent))) break;
    store<u32>(open + ((<usize>slot) << 2), column(open, parent));
    slot = parent;
  }
  store<u32>(open + ((<usize>slot) << 2), match);
  return count + 1;
}

function pop(matches: MatchColumns, open: usize, count: u32): u32 {
  const last = column(open, count - 1);
  const rest = count - 1;
  let slot: u32 = 0;
  for (;;) {
    let child = slot * 2 + 1;
    if (child >= rest) break;
    if (child + 1 < rest && isBetter(matches, column(open, child + 1), column(open, child))) {
      child++;
    }
    if (!isBetter(matches, column(open, child), last)) break;
    store<u32>(open + ((<usize>slot) << 2), column(open, child));
    slot = child;
  }
  store<u32>(open + ((<usize>slot) << 2), last);
  return rest;
}

/** For each block of old bytes the number of rows that start at or before its first byte. */
function indexBlocks(projection: Projection): void {
  const blocks = (projection.oldLength >>> BLOCK_BITS) + 2;
  projection.blocks = reserve((<usize>blocks) << 2);
  let row: u32 = 0;
  for (let block: u32 = 0; block < blocks; block++) {
    const first = (<u64>block) << BLOCK_BITS;
    while (row < projection.count && startOf(projection, row) <= first) row++;
    store<u32>(projection.blocks + ((<usize>block) << 2), row);
  }
}

function startOf(projection: Projection, row: u32): u64 {
  return <u64>load<u32>(projection.rows + <usize>row * ROW_BYTES);
}

/** New offset of an old one; between stretches the nearer one decides. Below the old length + 1. */
export function projectOffset(projection: Projection, offset: u32): i64 {
  const block = (<usize>(offset >>> BLOCK_BITS)) << 2;
  let low = load<u32>(projection.blocks + block);
  let high = load<u32>(projection.blocks + block, 4);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (startOf(projection, middle) <= offset) low = middle + 1;
    else high = middle;
  }
  if (projection.count == 0) return offset;
  if (low == 0) return <i64>offset + shiftOf(projection, 0);
  const end = startOf(projection, low - 1) + <u64>load<u32>(rowAddress(projection, low - 1), 4);
  if (offset < end || low == projection.count) return <i64>offset + shiftOf(projection, low - 1);
  const isNextNearer = startOf(projection, low) - offset < offset - end;
  return <i64>offset + shiftOf(projection, isNextNearer ? low : low - 1);
}

function rowAddress(projection: Projection, row: u32): usize {
  return projection.rows + <usize>row * ROW_BYTES;
}

function shiftOf(projection: Projection, row: u32): i64 {
  return load<i64>(rowAddress(projection, row), 8);
}
