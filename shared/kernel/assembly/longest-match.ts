/** The longest stretch of the old bytes that equals the start of given bytes, by binary search. */

let oldBytes: usize = 0;
let oldLength: i32 = 0;
let suffixes: usize = 0;

/** For each pair of bytes the number of suffixes below it: where its interval begins. */
let intervals: usize = 0;
const PAIRS: i32 = 0x10000;

/** Where the last search found its match. */
export let foundAt: i32 = 0;

/** Prepares searches in `length` bytes whose suffixes are sorted. */
export function prepareSearch(bytes: usize, length: i32, sorted: usize): void {
  oldBytes = bytes;
  oldLength = length;
  suffixes = sorted;
  intervals = heap.alloc((<usize>(PAIRS + 1)) << 2);
  memory.fill(intervals, 0, (<usize>(PAIRS + 1)) << 2);
  for (let i = 0; i < length - 1; i++) countPair(pairAt(bytes + <usize>i));
  // the last byte is a suffix of its own; as if a zero followed it, it is still the first of these
  if (length > 0) countPair((<i32>load<u8>(bytes + <usize>(length - 1))) << 8);
  let below = 0;
  for (let pair = 0; pair <= PAIRS; pair++) {
    const start = intervals + ((<usize>pair) << 2);
    const count = load<i32>(start);
    store<i32>(start, below);
    below += count;
  }
}

function countPair(pair: i32): void {
  const count = intervals + ((<usize>pair) << 2);
  store<u32>(count, load<u32>(count) + 1);
}

function pairAt(bytes: usize): i32 {
  return ((<i32>load<u8>(bytes)) << 8) | (<i32>load<u8>(bytes, 1));
}

/**
 * The length of the longest match for the `length` bytes at `wanted`, with `foundAt` telling where. One of
 * a single byte is not looked for and may be given as 0.
 */
export function findLongest(wanted: usize, length: i32): i32 {
  if (length < 2) return 0;
  const pair = pairAt(wanted);
  let low = load<i32>(intervals + ((<usize>pair) << 2));
  let high = load<i32>(intervals + ((<usize>(pair + 1)) << 2));

  // all suffixes below `low` are smaller than what is wanted, those from `high` on are not;
  // they share `commonLow` and `commonHigh` bytes with it
  let commonLow = 0;
  let commonHigh = 0;
  let best = 0;
  while (low < high) {
    const middle = low + ((high - low) >> 1);
    const suffix = load<i32>(suffixes + ((<usize>middle) << 2));
    const from = min(commonLow, commonHigh);
    const most = min(oldLength - suffix, length);
    const start = oldBytes + <usize>suffix;
    const common = from + commonLength(start + <usize>from, wanted + <usize>from, most - from);
    if (common > best) {
      best = common;
      foundAt = suffix;
    }
    if (common == length) break;
    if (
      common == oldLength - suffix ||
      load<u8>(start + <usize>common) < load<u8>(wanted + <usize>common)
    ) {
      low = middle + 1;
      commonLow = common;
    } else {
      high = middle;
      commonHigh = common;
    }
  }
  return best;
}

/** Bytes compared so far, so that tests can bound the work. */
export let compared: u64 = 0;

/** How many of `most` bytes agree before the first that does not. */
export function commonLength(first: usize, second: usize, most: i32): i32 {
  const common = countCommon(first, second, most);
  compared += common + 1;
  return common;
}

function countCommon(first: usize, second: usize, most: i32): i32 {
  let common = 0;
  while (common + 8 <= most) {
    const difference = load<u64>(first + <usize>common) ^ load<u64>(second + <usize>common);
    if (difference != 0) return common + <i32>(ctz(difference) >> 3);
    common += 8;
  }
  while (common < most && load<u8>(first + <usize>common) == load<u8>(second + <usize>common)) {
    common++;
  }
  return common;
}
