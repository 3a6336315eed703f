/**
 * Suffix sorting in linear time by induction (SA-IS: Nong, Zhang and Chan 2009), with the marks in
 * the sign bits of the array that Yuta Mori's sais-lite introduced, so that no array of types is read.
 *
 * Terms: a suffix is _falling_ if it is greater than the suffix one to the right of it (the end of
 * the text counts as smallest), else _rising_. A _valley_ is a rising suffix with a falling one
 * before it. Sorted valleys induce the order of all falling suffixes from left to right, and those
 * the order of all rising ones from right to left. Valleys themselves are sorted by naming the
 * stretches between them and sorting the text of names, at most half as long, in the same way.
 */

const NONE: i32 = -1;

/** Entries whose text is read ahead together: reads that wait for memory then wait at once. */
const AHEAD: i32 = 32;

/** Keeps the compiler from removing reads that only bring bytes into the cache. */
let touched: i32 = 0;

/**
 * Sorts the suffixes of `length` bytes at `text` (fewer than 2^31) into `length` u32 at `suffixes`.
 * Takes at most 4 more bytes a byte for a moment; they are free afterwards.
 */
export function sortSuffixes(text: usize, suffixes: usize, length: i32): void {
  sortLevel<u8>(text, suffixes, length, 256);
}

function sortLevel<Symbol>(text: usize, suffixes: usize, length: i32, symbols: i32): void {
  if (length < 2) {
    if (length == 1) setEntry(suffixes, 0, 0);
    return;
  }
  const counts = heap.alloc((<usize>symbols) << 2);
  const buckets = heap.alloc((<usize>symbols) << 2);
  countSymbols<Symbol>(text, length, counts, symbols);

  const valleys = placeValleys<Symbol>(text, suffixes, length, counts, buckets, symbols);
  if (valleys > 0) {
    induceValleys<Symbol>(text, suffixes, length, counts, buckets, symbols);
    gatherValleys(suffixes, length, valleys);
    const names = nameValleys<Symbol>(text, suffixes, length, valleys);
    if (names < valleys) sortNames<Symbol>(text, suffixes, length, valleys, names);
    spreadValleys<Symbol>(text, suffixes, length, valleys, counts, buckets, symbols);
  }
  induceAll<Symbol>(text, suffixes, length, counts, buckets, symbols);

  heap.free(buckets);
  heap.free(counts);
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

/** Puts `value` where the bucket of `symbol` begins to be free. */
function append(suffixes: usize, buckets: usize, symbol: i32, value: i32): void {
  const at = entryAt(buckets, symbol);
  setEntry(buckets, symbol, at + 1);
  setEntry(suffixes, at, value);
}

/** Puts `value` where the bucket of `symbol` ends to be free. */
function prepend(suffixes: usize, buckets: usize, symbol: i32, value: i32): void {
  const at = entryAt(buckets, symbol) - 1;
  setEntry(buckets, symbol, at);
  setEntry(suffixes, at, value);
}

/** Reads the text of the suffixes at `from` to `from + AHEAD`, as far as they have a mark-free value. */
function touch<Symbol>(text: usize, suffixes: usize, from: i32): void {
  let seen: i32 = 0;
  for (let i = from; i < from + AHEAD; i++) {
    const suffix = entryAt(suffixes, i);
    seen ^= symbolAt<Symbol>(text, suffix & ~(suffix >> 31));
  }
  touched = seen;
}

function countSymbols<Symbol>(text: usize, length: i32, counts: usize, symbols: i32): void {
  memory.fill(counts, 0, (<usize>symbols) << 2);
  for (let i = 0; i < length; i++) {
    const symbol = symbolAt<Symbol>(text, i);
    setEntry(counts, symbol, entryAt(counts, symbol) + 1);
  }
}

function startsOfBuckets(counts: usize, buckets: usize, symbols: i32): void {
  let sum = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    setEntry(buckets, symbol, sum);
    sum += entryAt(counts, symbol);
  }
}

function endsOfBuckets(counts: usize, buckets: usize, symbols: i32): void {
  let sum = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    sum += entryAt(counts, symbol);
    setEntry(buckets, symbol, sum);
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

// ---- the valleys

/**
 * Puts all valleys at the ends of their buckets, in any order; returns their number. Here and in
 * `induceValleys`, an entry is the position before the suffix that it stands for: the one that the
 * passes look at.
 */
function placeValleys<Symbol>(
  text: usize,
  suffixes: usize,
  length: i32,
  counts: usize,
  buckets: usize,
  symbols: i32,
): i32 {
  memory.fill(suffixes, 0, (<usize>length) << 2);
  endsOfBuckets(counts, buckets, symbols);
  let valleys = 0;
  let valley = valleyBefore<Symbol>(text, length);
  while (valley != NONE) {
    prepend(suffixes, buckets, symbolAt<Symbol>(text, valley), valley - 1);
    valleys++;
    valley = valleyBefore<Symbol>(text, valley);
  }
  return valleys;
}

/**
 * Sorts the valleys by the stretches up to the next valley. Afterwards they stand in the array as
 * complements, everything else is 0. A suffix is complemented as long as the pass at work must not
 * go on from it: the one before it belongs to the other pass.
 */
function induceValleys<Symbol>(
  text: usize,
  suffixes: usize,
  length: i32,
  counts: usize,
  buckets: usize,
  symbols: i32,
): void {
  startsOfBuckets(counts, buckets, symbols);
  const last = symbolAt<Symbol>(text, length - 1);
  const turns = symbolAt<Symbol>(text, length - 2) < last;
  append(suffixes, buckets, last, turns ? ~(length - 2) : length - 2);
  for (let i = 0; i < length; i++) {
    if ((i & (AHEAD - 1)) == 0 && i + 2 * AHEAD <= length) touch<Symbol>(text, suffixes, i + AHEAD);
    const suffix = entryAt(suffixes, i);
    if (suffix > 0) {
      const symbol = symbolAt<Symbol>(text, suffix);
      const before = suffix - 1;
      append(suffixes, buckets, symbol, before ^ -i32(symbolAt<Symbol>(text, before) < symbol));
      setEntry(suffixes, i, 0);
    } else if (suffix < 0) {
      setEntry(suffixes, i, ~suffix);
    }
  }

  endsOfBuckets(counts, buckets, symbols);
  for (let i = length - 1; i >= 0; i--) {
    if ((i & (AHEAD - 1)) == 0 && i >= 2 * AHEAD) touch<Symbol>(text, suffixes, i - 2 * AHEAD);
    const suffix = entryAt(suffixes, i);
    if (suffix > 0) {
      const symbol = symbolAt<Symbol>(text, suffix);
      const before = suffix - 1;
      const isValley = symbolAt<Symbol>(text, before) > symbol;
      prepend(suffixes, buckets, symbol, isValley ? ~suffix : before);
      setEntry(suffixes, i, 0);
    }
  }
}

/** Moves the sorted valleys to the front and clears the rest. */
function gatherValleys(suffixes: usize, length: i32, valleys: i32): void {
  let gathered = 0;
  for (let i = 0; gathered < valleys; i++) {
    const entry = entryAt(suffixes, i);
    if (entry < 0) setEntry(suffixes, gathered++, ~entry);
  }
  memory.fill(suffixes + ((<usize>valleys) << 2), 0, (<usize>(length - valleys)) << 2);
}

/**
 * Gives equal stretches equal names, from 1, in their order, and writes the name of the valley at v
 * behind the valleys, at v / 2 (two valleys are never neighbours). Returns the highest name.
 */
function nameValleys<Symbol>(text: usize, suffixes: usize, length: i32, valleys: i32): i32 {
  const names = suffixes + ((<usize>valleys) << 2);
  // first the length of each stretch up to and with the next valley; the last one ends the text
  let next = length;
  let valley = valleyBefore<Symbol>(text, length);
  while (valley != NONE) {
    setEntry(names, valley >> 1, next - valley + 1);
    next = valley;
    valley = valleyBefore<Symbol>(text, valley);
  }
  let name = 0;
  let previous = 0;
  let previousSize = 0;
  for (let i = 0; i < valleys; i++) {
    const start = entryAt(suffixes, i);
    const size = entryAt(names, start >> 1);
    let same = size == previousSize && start + size <= length && previous + size <= length;
    for (let k = 0; same && k < size; k++) {
      same = symbolAt<Symbol>(text, start + k) == symbolAt<Symbol>(text, previous + k);
    }
    if (!same) {
      name++;
      previous = start;
      previousSize = size;
    }
    setEntry(names, start >> 1, name);
  }
  return name;
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
  counts: usize,
  buckets: usize,
  symbols: i32,
): void {
  memory.fill(suffixes + ((<usize>valleys) << 2), 0, (<usize>(length - valleys)) << 2);
  endsOfBuckets(counts, buckets, symbols);
  for (let i = valleys - 1; i >= 0; i--) {
    const valley = entryAt(suffixes, i);
    setEntry(suffixes, i, 0);
    prepend(suffixes, buckets, symbolAt<Symbol>(text, valley), valley);
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
  counts: usize,
  buckets: usize,
  symbols: i32,
): void {
  startsOfBuckets(counts, buckets, symbols);
  const last = symbolAt<Symbol>(text, length - 1);
  const turns = symbolAt<Symbol>(text, length - 2) < last;
  append(suffixes, buckets, last, turns ? ~(length - 1) : length - 1);
  for (let i = 0; i < length; i++) {
    if ((i & (AHEAD - 1)) == 0 && i + 2 * AHEAD <= length) touch<Symbol>(text, suffixes, i + AHEAD);
    const suffix = entryAt(suffixes, i);
    setEntry(suffixes, i, ~suffix);
    if (suffix > 0) {
      const before = suffix - 1;
      const symbol = symbolAt<Symbol>(text, before);
      const stops = before > 0 && symbolAt<Symbol>(text, before - 1) < symbol;
      append(suffixes, buckets, symbol, before ^ -i32(stops));
    }
  }

  endsOfBuckets(counts, buckets, symbols);
  for (let i = length - 1; i >= 0; i--) {
    if ((i & (AHEAD - 1)) == 0 && i >= 2 * AHEAD) touch<Symbol>(text, suffixes, i - 2 * AHEAD);
    const suffix = entryAt(suffixes, i);
    if (suffix > 0) {
      const before = suffix - 1;
      const symbol = symbolAt<Symbol>(text, before);
      const stops = before == 0 || symbolAt<Symbol>(text, before - 1) > symbol;
      prepend(suffixes, buckets, symbol, before ^ -i32(stops));
    } else {
      setEntry(suffixes, i, ~suffix);
    }
  }
}
