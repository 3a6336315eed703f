import { release, reserve } from './memory-stack';

/**
 * Suffix sorting in linear time by induction (SA-IS: Nong, Zhang and Chan 2009). No array of types
 * is kept; marks in the entries say what there is to know, as in Yuta Mori's sais-lite.
 *
 * Terms: a suffix is _falling_ if it is greater than the suffix one to the right of it (the end of
 * the text counts as smallest), else _rising_. A _valley_ is a rising suffix with a falling one
 * before it. Sorted valleys induce the order of all falling suffixes from left to right, and those
 * the order of all rising ones from right to left. Valleys themselves are sorted by naming the
 * stretches between them and sorting the text of names, at most half as long, in the same way.
 */

const NONE: i32 = -1;

/** Marks the first entry of a group that a pass meets: entries whose stretches are equal so far. */
const FIRST: i32 = 1 << 30;

/** Entries whose text is read ahead together: reads that wait for memory then wait at once. */
const AHEAD: i32 = 16;

/** Keeps the compiler from removing reads that only bring bytes into the cache. */
let touched: i32 = 0;

/** What is known of the suffixes that begin with one symbol; together, for they are used together. */
@unmanaged
class Bucket {
  count: i32;
  /** Where the next entry goes. */
  next: i32;
  /** The group that last put an entry here which its own pass goes on from. */
  groupGoingOn: i32;
  /** The group that last put an entry here which the other pass goes on from. */
  groupTurning: i32;
}

/**
 * Sorts the suffixes of `length` bytes at `text` (fewer than 2^30) into `length` u32 at `suffixes`.
 * Takes up to 8 more bytes a byte for a moment, 1 to 3 in practice; they are free afterwards.
 */
export function sortSuffixes(text: usize, suffixes: usize, length: i32): void {
  sortLevel<u8>(text, suffixes, length, 256);
}

function sortLevel<Symbol>(text: usize, suffixes: usize, length: i32, symbols: i32): void {
  if (length < 2) {
    if (length == 1) setEntry(suffixes, 0, 0);
    return;
  }
  const buckets = reserve(<u64>symbols * offsetof<Bucket>());
  countSymbols<Symbol>(text, length, buckets, symbols);

  const valleys = placeValleys<Symbol>(text, suffixes, length, buckets, symbols);
  if (valleys > 0) {
    induceValleys<Symbol>(text, suffixes, length, buckets, symbols);
    const names = gatherValleys(suffixes, length, valleys);
    if (names < valleys) {
      nameValleys(suffixes, valleys, names);
      sortNames<Symbol>(text, suffixes, length, valleys, names);
    }
    spreadValleys<Symbol>(text, suffixes, length, valleys, buckets, symbols);
  }
  induceAll<Symbol>(text, suffixes, length, buckets, symbols);
  release(buckets);
}

// ---- small steps

function symbolAt<Symbol>(text: usize, index: i32): i32 {
  return <i32>load<Symbol>(text + <usize>index * sizeof<Symbol>());
}

function entryAt(entries: usize, index: i32): i32 {
  return load<i32>(entries + ((<usize>index) << 2));
}

function setEntry(entries: usize, index: i32, value: i32): void {
  store<i32>(entries + ((<usize>index) << 2), value);
}

function bucketOf(buckets: usize, symbol: i32): Bucket {
  return changetype<Bucket>(buckets + <usize>symbol * offsetof<Bucket>());
}

/** Adds an entry to a bucket that fills from its start. */
function append(suffixes: usize, bucket: Bucket, entry: i32): void {
  const at = bucket.next;
  bucket.next = at + 1;
  setEntry(suffixes, at, entry);
}

/** Adds an entry to a bucket that fills from its end. */
function prepend(suffixes: usize, bucket: Bucket, entry: i32): void {
  const at = bucket.next - 1;
  bucket.next = at;
  setEntry(suffixes, at, entry);
}

/** Reads the text of the entries at `from` to `from + AHEAD`, as far as they are not complements. */
function touch<Symbol>(text: usize, suffixes: usize, from: i32): void {
  let seen: i32 = 0;
  for (let i = from; i < from + AHEAD; i++) {
    const entry = entryAt(suffixes, i);
    seen ^= symbolAt<Symbol>(text, entry & ~(entry >> 31) & ~FIRST);
  }
  touched = seen;
}

function countSymbols<Symbol>(text: usize, length: i32, buckets: usize, symbols: i32): void {
  memory.fill(buckets, 0, <usize>symbols * offsetof<Bucket>());
  for (let i = 0; i < length; i++) bucketOf(buckets, symbolAt<Symbol>(text, i)).count++;
}

function fillFromStart(buckets: usize, symbols: i32): void {
  let sum = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    const bucket = bucketOf(buckets, symbol);
    bucket.next = sum;
    sum += bucket.count;
  }
}

function fillFromEnd(buckets: usize, symbols: i32): void {
  let sum = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    const bucket = bucketOf(buckets, symbol);
    sum += bucket.count;
    bucket.next = sum;
  }
}

/** The last valley before `position`, which is a valley or the end of the text; or NONE. */
function valleyBefore<Symbol>(text: usize, position: i32): i32 {
  let index = position - 1;
  let symbol = symbolAt<Symbol>(text, index);
  let before: i32 = 0;
  // the suffix at `index` is falling, and so are those before it while symbols do not grow
  do {
    if (index == 0) return NONE;
    before = symbol;
    symbol = symbolAt<Symbol>(text, --index);
  } while (symbol >= before);
  do {
    if (index == 0) return NONE;
    before = symbol;
    symbol = symbolAt<Symbol>(text, --index);
  } while (symbol <= before);
  return index + 1;
}

// ---- passes

/** Goes through the entries from `start` to `end`, in one direction or the other. */
type Pass = (
  text: usize,
  suffixes: usize,
  length: i32,
  buckets: usize,
  start: i32,
  end: i32,
) => void;

/**
 * Entries that one call of a pass goes through. A function that runs for seconds in one call would
 * stay in the code of the engine's first, quick compiler; one that returns is replaced by better.
 * (Called through a table, so that our own compiler does not make one function of them again.)
 */
const BLOCK: i32 = 1 << 13;

function goRight(text: usize, suffixes: usize, length: i32, buckets: usize, pass: Pass): void {
  for (let start = 0; start < length; start += BLOCK) {
    pass(text, suffixes, length, buckets, start, min(start + BLOCK, length));
  }
}

function goLeft(text: usize, suffixes: usize, length: i32, buckets: usize, pass: Pass): void {
  for (let end = length; end > 0; end -= BLOCK) {
    pass(text, suffixes, length, buckets, max(end - BLOCK, 0), end);
  }
}

// ---- the valleys

/**
 * Puts all valleys but the leftmost, from which nothing follows, at the ends of their buckets, in
 * any order; returns the number of all. Here and in `induceValleys`, an entry is the position before
 * the suffix that it stands for: the one that the passes look at.
 */
function placeValleys<Symbol>(
  text: usize,
  suffixes: usize,
  length: i32,
  buckets: usize,
  symbols: i32,
): i32 {
  memory.fill(suffixes, 0, (<usize>length) << 2);
  fillFromEnd(buckets, symbols);
  let valleys = 0;
  let valley = valleyBefore<Symbol>(text, length);
  while (valley != NONE) {
    valleys++;
    const before = valleyBefore<Symbol>(text, valley);
    if (before != NONE) {
      prepend(suffixes, bucketOf(buckets, symbolAt<Symbol>(text, valley)), valley - 1);
    }
    valley = before;
  }
  markBuckets(suffixes, buckets, symbols);
  return valleys;
}

/** At the start, the valleys of a bucket are one group. */
function markBuckets(suffixes: usize, buckets: usize, symbols: i32): void {
  let end = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    const bucket = bucketOf(buckets, symbol);
    end += bucket.count;
    if (bucket.next < end) {
      setEntry(suffixes, bucket.next, entryAt(suffixes, bucket.next) | FIRST);
    }
  }
}

/**
 * Sorts the valleys by the stretches up to the next valley. Afterwards they stand in the array as
 * complements, the first of equal ones from the right marked; everything else is 0. An entry is
 * complemented as long as the pass at work must not go on from it.
 */
function induceValleys<Symbol>(
  text: usize,
  suffixes: usize,
  length: i32,
  buckets: usize,
  symbols: i32,
): void {
  fillFromStart(buckets, symbols);
  const last = symbolAt<Symbol>(text, length - 1);
  const first = (length - 2) | FIRST;
  const turns = symbolAt<Symbol>(text, length - 2) < last;
  append(suffixes, bucketOf(buckets, last), turns ? ~first : first);
  group = 0;
  goRight(text, suffixes, length, buckets, (text, suffixes, length, buckets, start, end) => {
    induceFalling<Symbol>(text, suffixes, length, buckets, start, end);
  });
  markFromRight(suffixes, length);
  fillFromEnd(buckets, symbols);
  group++;
  goLeft(text, suffixes, length, buckets, (text, suffixes, length, buckets, start, end) => {
    induceRising<Symbol>(text, suffixes, length, buckets, start, end);
  });
}

/** The number of the group that a pass over the valleys is in. */
let group: i32 = 0;

function induceFalling<Symbol>(
  text: usize,
  suffixes: usize,
  length: i32,
  buckets: usize,
  start: i32,
  end: i32,
): void {
  for (let i = start; i < end; i++) {
    if ((i & (AHEAD - 1)) == 0 && i + 2 * AHEAD <= length) touch<Symbol>(text, suffixes, i + AHEAD);
    const entry = entryAt(suffixes, i);
    if (entry > 0) {
      group += entry >> 30;
      const falling = entry & ~FIRST;
      const symbol = symbolAt<Symbol>(text, falling);
      const bucket = bucketOf(buckets, symbol);
      let before = falling - 1;
      if (symbolAt<Symbol>(text, before) < symbol) {
        if (bucket.groupTurning != group) {
          bucket.groupTurning = group;
          before |= FIRST;
        }
        before = ~before;
      } else if (bucket.groupGoingOn != group) {
        bucket.groupGoingOn = group;
        before |= FIRST;
      }
      append(suffixes, bucket, before);
      setEntry(suffixes, i, 0);
    } else if (entry < 0) {
      setEntry(suffixes, i, ~entry);
    }
  }
}

function induceRising<Symbol>(
  text: usize,
  suffixes: usize,
  length: i32,
  buckets: usize,
  start: i32,
  end: i32,
): void {
  for (let i = end - 1; i >= start; i--) {
    if ((i & (AHEAD - 1)) == 0 && i >= 2 * AHEAD) touch<Symbol>(text, suffixes, i - 2 * AHEAD);
    const entry = entryAt(suffixes, i);
    if (entry > 0) {
      group += entry >> 30;
      const rising = entry & ~FIRST;
      const symbol = symbolAt<Symbol>(text, rising);
      const bucket = bucketOf(buckets, symbol);
      let before = rising - 1;
      if (symbolAt<Symbol>(text, before) > symbol) {
        before = rising;
        if (bucket.groupTurning != group) {
          bucket.groupTurning = group;
          before |= FIRST;
        }
        before = ~before;
      } else if (bucket.groupGoingOn != group) {
        bucket.groupGoingOn = group;
        before |= FIRST;
      }
      prepend(suffixes, bucket, before);
      setEntry(suffixes, i, 0);
    }
  }
}

/** The next pass comes from the right: marks go from the left end of each group to its right end. */
function markFromRight(suffixes: usize, length: i32): void {
  for (let i = length - 1; i >= 0; i--) {
    const entry = entryAt(suffixes, i);
    if (entry <= 0 || entry >= FIRST) continue;
    setEntry(suffixes, i, entry | FIRST);
    do i--;
    while (entryAt(suffixes, i) < FIRST);
    setEntry(suffixes, i, entryAt(suffixes, i) & ~FIRST);
  }
}

/** Moves the sorted valleys, marked, to the front; returns how many differ from each other. */
function gatherValleys(suffixes: usize, length: i32, valleys: i32): i32 {
  let gathered = 0;
  let different = 0;
  for (let i = 0; gathered < valleys; i++) {
    const entry = entryAt(suffixes, i);
    if (entry < 0) {
      different += ~entry >> 30;
      setEntry(suffixes, gathered++, ~entry);
    }
  }
  if (different == valleys) {
    for (let i = 0; i < valleys; i++) setEntry(suffixes, i, entryAt(suffixes, i) & ~FIRST);
  }
  memory.fill(suffixes + ((<usize>valleys) << 2), 0, (<usize>(length - valleys)) << 2);
  return different;
}

/**
 * Gives equal stretches equal names, from 1, in their order, and writes the name of the valley at v
 * behind the valleys, at v / 2: two valleys are never neighbours.
 */
function nameValleys(suffixes: usize, valleys: i32, names: i32): void {
  const table = suffixes + ((<usize>valleys) << 2);
  let name = names + 1;
  for (let i = valleys - 1; i >= 0; i--) {
    const entry = entryAt(suffixes, i);
    name -= entry >> 30;
    setEntry(table, (entry & ~FIRST) >> 1, name);
  }
}

/** Sorts the valleys, whose names are not yet unique, by sorting the text of their names. */
function sortNames<Symbol>(
  text: usize,
  suffixes: usize,
  length: i32,
  valleys: i32,
  names: i32,
): void {
  let at = length;
  for (let i = valleys + (length >> 1); i >= valleys; i--) {
    if (i >= length) continue;
    const name = entryAt(suffixes, i);
    if (name != 0) setEntry(suffixes, --at, name - 1);
  }
  const reduced = suffixes + ((<usize>at) << 2);
  sortLevel<i32>(reduced, suffixes, valleys, names);

  let number = valleys;
  let valley = valleyBefore<Symbol>(text, length);
  while (valley != NONE) {
    setEntry(reduced, --number, valley);
    valley = valleyBefore<Symbol>(text, valley);
  }
  for (let i = 0; i < valleys; i++) {
    setEntry(suffixes, i, entryAt(reduced, entryAt(suffixes, i)));
  }
}

/** Moves the sorted valleys from the front to the ends of their buckets; the rest becomes 0. */
function spreadValleys<Symbol>(
  text: usize,
  suffixes: usize,
  length: i32,
  valleys: i32,
  buckets: usize,
  symbols: i32,
): void {
  memory.fill(suffixes + ((<usize>valleys) << 2), 0, (<usize>(length - valleys)) << 2);
  fillFromEnd(buckets, symbols);
  for (let i = valleys - 1; i >= 0; i--) {
    const valley = entryAt(suffixes, i);
    setEntry(suffixes, i, 0);
    prepend(suffixes, bucketOf(buckets, symbolAt<Symbol>(text, valley)), valley);
  }
}

// ---- everything else

/**
 * From the sorted valleys at the ends of their buckets, the order of all suffixes. Complemented are
 * those from which the pass at work must not go on; both passes complement what they have passed.
 */
function induceAll<Symbol>(
  text: usize,
  suffixes: usize,
  length: i32,
  buckets: usize,
  symbols: i32,
): void {
  fillFromStart(buckets, symbols);
  const last = symbolAt<Symbol>(text, length - 1);
  const turns = symbolAt<Symbol>(text, length - 2) < last;
  append(suffixes, bucketOf(buckets, last), turns ? ~(length - 1) : length - 1);
  goRight(text, suffixes, length, buckets, (text, suffixes, length, buckets, start, end) => {
    induceAllFalling<Symbol>(text, suffixes, length, buckets, start, end);
  });
  fillFromEnd(buckets, symbols);
  goLeft(text, suffixes, length, buckets, (text, suffixes, length, buckets, start, end) => {
    induceAllRising<Symbol>(text, suffixes, length, buckets, start, end);
  });
}

function induceAllFalling<Symbol>(
  text: usize,
  suffixes: usize,
  length: i32,
  buckets: usize,
  start: i32,
  end: i32,
): void {
  for (let i = start; i < end; i++) {
    if ((i & (AHEAD - 1)) == 0 && i + 2 * AHEAD <= length) touch<Symbol>(text, suffixes, i + AHEAD);
    const suffix = entryAt(suffixes, i);
    setEntry(suffixes, i, ~suffix);
    if (suffix > 0) {
      const before = suffix - 1;
      const symbol = symbolAt<Symbol>(text, before);
      const stops = before > 0 && symbolAt<Symbol>(text, before - 1) < symbol;
      append(suffixes, bucketOf(buckets, symbol), before ^ -i32(stops));
    }
  }
}

function induceAllRising<Symbol>(
  text: usize,
  suffixes: usize,
  length: i32,
  buckets: usize,
  start: i32,
  end: i32,
): void {
  for (let i = end - 1; i >= start; i--) {
    if ((i & (AHEAD - 1)) == 0 && i >= 2 * AHEAD) touch<Symbol>(text, suffixes, i - 2 * AHEAD);
    const suffix = entryAt(suffixes, i);
    if (suffix > 0) {
      const before = suffix - 1;
      const symbol = symbolAt<Symbol>(text, before);
      const stops = before == 0 || symbolAt<Symbol>(text, before - 1) > symbol;
      prepend(suffixes, bucketOf(buckets, symbol), before ^ -i32(stops));
    } else {
      setEntry(suffixes, i, ~suffix);
    }
  }
}
