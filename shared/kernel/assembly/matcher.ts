import { sortSuffixes } from './suffix-array';
import { commonLength, compared, findLongest, foundAt, prepareSearch } from './longest-match';

/**
 * Approximate matching in the manner of bsdiff (Percival 2003): exact matches from a suffix array
 * are seeds; each grows to both sides as long as at least half of the bytes agree.
 *
 * A scan goes through the new bytes along the _current alignment_, the difference of positions that
 * the last match began with. It leaves it only for an exact match in which the current alignment
 * would get more than GAIN bytes wrong.
 */

/** A match must save this many bytes against going on in the current alignment. */
const GAIN: i32 = 8;

/** While this many bytes agree in the current alignment nothing better is looked for. */
const SURE: i32 = 32;

let oldBytes: usize = 0;
let oldLength: i32 = 0;
let newBytes: usize = 0;
let newLength: i32 = 0;
let suffixes: usize = 0;

let matches: usize = 0;
let matchCount: i32 = 0;

let agreementCompared: u64 = 0;

/** Bytes of memory for the caller to fill. */
export function allocate(length: usize): usize {
  return heap.alloc(length);
}

/** Gives memory back; only the last block that was allocated can be used again. */
export function release(block: usize): void {
  heap.free(block);
}

/** Sorts the suffixes of `length` old bytes (under 2^30) for any number of calls of `match`. */
export function indexOld(bytes: usize, length: i32): void {
  oldBytes = bytes;
  oldLength = length;
  suffixes = heap.alloc((<usize>length) << 2);
  sortSuffixes(bytes, suffixes, length);
  prepareSearch(bytes, length, suffixes);
}

/** Bytes compared so far by the scan and its searches, so that tests can bound the work. */
export function comparedBytes(): f64 {
  return <f64>(compared + agreementCompared);
}

/** Where the suffix array is: one u32 for each old byte. */
export function suffixArray(): usize {
  return suffixes;
}

/** The most matches that so many new bytes can have; 12 bytes each are written to `output`. */
export function mostMatches(length: i32): i32 {
  return length / (GAIN + 1) + 2;
}

/**
 * Writes the matches for `length` new bytes to `output`, each as u32 new position, old position,
 * length, in order of new position; returns their number.
 */
export function match(bytes: usize, length: i32, output: usize): i32 {
  newBytes = bytes;
  newLength = length;
  matches = output;
  matchCount = 0;
  if (oldLength > 0) scanNew();
  return matchCount;
}

/** Walks through the new bytes; the match at work starts at `seedNew` and `seedOld`. */
function scanNew(): void {
  let seedNew = 0;
  let seedOld = 0;
  let alignment = 0;
  let scan = 0;
  while (scan < newLength) {
    const run = agreeing(scan, alignment);
    if (run >= SURE) {
      scan += run;
      continue;
    }
    const length = findLongest(newBytes + <usize>scan, newLength - scan);
    if (length <= agreementIn(scan, length, alignment) + GAIN) {
      scan += max(run, 1);
      continue;
    }
    const back = endMatch(seedNew, seedOld, scan, foundAt);
    seedNew = scan - back;
    seedOld = foundAt - back;
    alignment = foundAt - scan;
    scan += length;
  }
  endMatch(seedNew, seedOld, newLength, NOWHERE);
}

/** In place of an old position: no match follows. */
const NOWHERE: i32 = -1;

/** How many bytes agree from `scan` on in an alignment. */
function agreeing(scan: i32, alignment: i32): i32 {
  const from = scan + alignment;
  if (from < 0 || from >= oldLength) return 0;
  return <i32>(
    commonLength(
      oldBytes + <usize>from,
      newBytes + <usize>scan,
      min(oldLength - from, newLength - scan),
    )
  );
}

/** How many of `length` bytes from `scan` on agree in an alignment. */
function agreementIn(scan: i32, length: i32, alignment: i32): i32 {
  const first = max(scan, -alignment);
  const end = min(scan + length, oldLength - alignment);
  let agreement = 0;
  agreementCompared += max(end - first, 0);
  for (let i = first; i < end; i++) agreement += i32(oldByte(i + alignment) == newByte(i));
  return agreement;
}

/**
 * Writes the match from `seedNew` and `seedOld` as far as it is worth going before the next one,
 * which begins at `nextNew`; returns how far that one reaches back.
 */
function endMatch(seedNew: i32, seedOld: i32, nextNew: i32, nextOld: i32): i32 {
  let forward = bestForward(seedNew, seedOld, nextNew);
  let back = nextOld == NOWHERE ? 0 : bestBack(seedNew, nextNew, nextOld);
  const overlap = seedNew + forward - (nextNew - back);
  if (overlap > 0) {
    const kept = bestCut(
      seedNew + forward - overlap,
      seedOld + forward - overlap,
      nextOld - back,
      overlap,
    );
    forward += kept - overlap;
    back -= kept;
  }
  if (forward > 0) emit(seedNew, seedOld, forward);
  return back;
}

/** The length up to which agreement most exceeds disagreement, from the seed to `end`. */
function bestForward(seedNew: i32, seedOld: i32, end: i32): i32 {
  const most = min(end - seedNew, oldLength - seedOld);
  let balance = 0;
  let bestBalance = 0;
  let best = 0;
  for (let i = 0; i < most; i++) {
    balance += oldByte(seedOld + i) == newByte(seedNew + i) ? 1 : -1;
    if (balance > bestBalance) {
      bestBalance = balance;
      best = i + 1;
    }
  }
  return best;
}

/** The same to the left of the next match, back to `start`. */
function bestBack(start: i32, nextNew: i32, nextOld: i32): i32 {
  const most = min(nextNew - start, nextOld);
  let balance = 0;
  let bestBalance = 0;
  let best = 0;
  for (let i = 1; i <= most; i++) {
    balance += oldByte(nextOld - i) == newByte(nextNew - i) ? 1 : -1;
    if (balance > bestBalance) {
      bestBalance = balance;
      best = i;
    }
  }
  return best;
}

/** Where two matches claim the same new bytes: how many of them the first one keeps. */
function bestCut(newAt: i32, firstOld: i32, secondOld: i32, overlap: i32): i32 {
  let balance = 0;
  let bestBalance = 0;
  let best = 0;
  for (let i = 0; i < overlap; i++) {
    const byte = newByte(newAt + i);
    balance += i32(oldByte(firstOld + i) == byte) - i32(oldByte(secondOld + i) == byte);
    if (balance > bestBalance) {
      bestBalance = balance;
      best = i + 1;
    }
  }
  return best;
}

function emit(newAt: i32, oldAt: i32, length: i32): void {
  const row = matches + <usize>matchCount * 12;
  store<u32>(row, newAt, 0);
  store<u32>(row, oldAt, 4);
  store<u32>(row, length, 8);
  matchCount++;
}

function oldByte(index: i32): u8 {
  return load<u8>(oldBytes + <usize>index);
}

function newByte(index: i32): u8 {
  return load<u8>(newBytes + <usize>index);
}
