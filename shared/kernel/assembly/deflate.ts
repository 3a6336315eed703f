/*
 * Canonical zlib's deflate.c, levels 1 to 9, for content that lies in memory as a whole. The same
 * bytes as zlib makes, so zlib's window is imitated where it shows: what lies before its start is
 * out of reach, and so is the very first byte of it, whose position is the mark for "none".
 *
 * GNU gzip's deflate, too, in the places that ask for `isGnu`. It has an ancestor in common with
 * zlib, where early ends of blocks are left as an option (TRUNCATE_BLOCK), and it compares beyond
 * the end of the content with what its window held before. Tests compare with the program.
 *
 * This file finds matches; its parts stay together because all of them move the same position and
 * window. deflate/ writes what was found.
 */
import { moveOutput, outputPlace } from './deflate/bit-output';
import {
  MAX_SYMBOLS,
  addLiteral,
  addMatch,
  flushBlock,
  packsWell,
  startStream,
} from './deflate/blocks';

const MIN_MATCH: u32 = 3;
const MAX_MATCH: u32 = 258;
const MIN_LOOKAHEAD: u32 = MAX_MATCH + MIN_MATCH + 1;
/** Matches of three bytes that are further away are longer than literals. */
const TOO_FAR: u32 = 4096;

/** Behind the content: matches are compared in steps, and by GNU gzip beyond its end. */
const PADDING: u32 = 512;

/** Bytes from a position on that let it be packed before more are known: zlib's whole window. */
const AHEAD: u32 = 1 << 17;
const NEVER: u32 = 0xffffffff;

const FILTERED: i32 = 1;
const HUFFMAN_ONLY: i32 = 2;
const RUN_LENGTHS: i32 = 3;
const FIXED_CODES: i32 = 4;

/** The result when the packed bytes are not the expected ones. */
const DIFFERENT: u32 = 0xffffffff;

/** For each level: matches that are good, lazy, nice, and the length of the chain (zlib's table). */
const settings = memory.data<u16>([
  0, 0, 0, 0, 4, 4, 8, 4, 4, 5, 16, 8, 4, 6, 32, 32, 4, 4, 16, 16, 8, 16, 32, 32, 8, 16, 128, 128,
  8, 32, 128, 256, 32, 128, 258, 1024, 32, 258, 258, 4096,
]);
const MAX_HASH_BITS = 16;
/** Last position of each hash, and for each position of the window the one before it of that hash. */
const heads = memory.data((1 << MAX_HASH_BITS) * 4, 8);
const previous = memory.data((1 << 15) * 4, 8);

let goodMatch: u32 = 0;
let maxLazy: u32 = 0;
let niceMatch: u32 = 0;
let maxChain: u32 = 0;
let strategy: i32 = 0;
let isFast: bool = false;
let hashShift: u32 = 0;
let hashMask: u32 = 0;
let windowSize: u32 = 0;

/** Memory address of the content; all positions below count from it. */
let content: usize = 0;
let end: u32 = 0;
let position: u32 = 0;
/** zlib's window: its first byte, and how far it was filled. */
let windowStart: u32 = 0;
let windowEnd: u32 = 0;
let blockStart: u32 = 0;
let matchStart: u32 = 0;
let isGnu: bool = false;
/** Whether blocks that pack well end early. */
let endsBlocksEarly: bool = false;
/** GNU gzip's window stays where it is once the end was met. */
let windowRests: bool = false;

/** Where to stop until there is more content, and what is left to do there at levels 4 to 9. */
let pauseAt: u32 = NEVER;
let pendingLength: u32 = 0;
let pendingLiteral: bool = false;

let packed: usize = 0;
let expected: usize = 0;
let expectedLength: u32 = 0;
let compared: u32 = 0;

/** The address of `length` bytes for content and results; those of an earlier call are lost. */
export function arena(length: usize): usize {
  const start = (__heap_base + 15) & ~15;
  const pages = <i32>((start + length + 0xffff) >> 16);
  const missing = pages - memory.size();
  if (missing > 0 && memory.grow(missing) < 0) unreachable();
  return start;
}

/**
 * Begins a raw deflate stream. `gnu`: the bytes of GNU gzip, which has memory level 8, strategy 0
 * and 15 window bits.
 */
export function begin(
  level: u32,
  memoryLevel: u32,
  chosenStrategy: i32,
  windowBits: u32,
  gnu: bool,
): void {
  if (level < 1 || level > 9 || memoryLevel < 1 || memoryLevel > 9) unreachable();
  if (windowBits < 9 || windowBits > 15) unreachable();
  if (gnu && (memoryLevel != 8 || chosenStrategy != 0 || windowBits != 15)) unreachable();
  isGnu = gnu;
  endsBlocksEarly = gnu && level > 2;
  const row = settings + level * 8;
  goodMatch = load<u16>(row);
  maxLazy = load<u16>(row, 2);
  niceMatch = load<u16>(row, 4);
  maxChain = load<u16>(row, 6);
  strategy = chosenStrategy;
  const hashBits = memoryLevel + 7;
  hashShift = (hashBits + MIN_MATCH - 1) / MIN_MATCH;
  hashMask = (1 << hashBits) - 1;
  windowSize = 1 << windowBits;
  memory.fill(heads, 0, 4 << hashBits);
  isFast = level <= 3;
  position = 0;
  windowStart = 0;
  windowEnd = 0;
  blockStart = 0;
  matchStart = 0;
  expected = 0;
  compared = 0;
  windowRests = false;
  pauseAt = NEVER;
  pendingLength = MIN_MATCH - 1;
  pendingLiteral = false;
  const isFixed = strategy == FIXED_CODES;
  const maxSymbols = gnu ? MAX_SYMBOLS : 1 << (memoryLevel + 6);
  startStream(maxSymbols, isFixed);
}

/**
 * Packs `contentLength` bytes, behind which 512 more are allocated, into the stream that was begun,
 * at `packedAt`, of at most `packedLimit` bytes. Returns its length, or 0xffffffff as soon as it is
 * known to differ from the `expectedBytes` at `expectedAt`; 0 expects nothing.
 */
export function deflate(
  contentAt: usize,
  contentLength: u32,
  packedAt: usize,
  packedLimit: u32,
  expectedAt: usize,
  expectedBytes: u32,
): u32 {
  moveOutput(packedAt, packedAt + packedLimit);
  content = contentAt;
  end = contentLength;
  packed = packedAt;
  expected = expectedAt;
  expectedLength = expectedBytes;
  if (isGnu) leaveRemains();
  if (!work() || !endBlock(true)) return DIFFERENT;
  const length = <u32>(outputPlace() - packedAt);
  return expectedAt != 0 && length != expectedLength ? DIFFERENT : length;
}

/**
 * Goes on with the stream that was begun, in pieces. `contentAt` is where its first byte would lie, of which those before
 * `keptFrom()` are no longer there; behind byte `contentEnd` 512 more are allocated. Returns how
 * many bytes were written to `packedAt`.
 */
export function continueStream(
  contentAt: usize,
  contentEnd: u32,
  isLast: bool,
  packedAt: usize,
  packedLimit: u32,
): u32 {
  content = contentAt;
  end = contentEnd;
  if (isLast && isGnu) leaveRemains();
  pauseAt = isLast ? NEVER : end - min(end, AHEAD);
  moveOutput(packedAt, packedAt + packedLimit);
  work();
  if (isLast) endBlock(true);
  return <u32>(outputPlace() - packedAt);
}

/** The first byte of the content that a stream may still need. */
export function keptFrom(): u32 {
  // What GNU gzip finds behind the end can be older than its window.
  return windowStart - min(windowStart, windowSize);
}

/** Packs up to the end, or `pauseAt`; false: what was written differs from what is expected. */
function work(): bool {
  if (strategy == HUFFMAN_ONLY) return deflateLiterals();
  if (strategy == RUN_LENGTHS) return deflateRuns();
  return isFast ? deflateFast() : deflateLazily();
}

/**
 * What GNU gzip finds behind the content: two zeros, and then what its window held before, either
 * nothing, or the content of half a window earlier.
 */
function leaveRemains(): void {
  memory.fill(content + end, 0, PADDING);
  const half = windowSize;
  for (let at = max(end + MIN_MATCH - 1, 2 * half); at < end + PADDING; at++) {
    store<u8>(content + at, load<u8>(content + at - half));
  }
}

/** zlib's fill_window: the whole rest of the content is always at hand. */
function fillWindow(lookahead: u32): void {
  while (windowEnd - position < lookahead && !windowRests) {
    let room = 2 * windowSize - (windowEnd - windowStart);
    if (position - windowStart >= 2 * windowSize - MIN_LOOKAHEAD) {
      windowStart += windowSize;
      room += windowSize;
    }
    if (windowEnd == end) {
      // zlib's window moves on even when there is nothing left to fill it with.
      windowRests = isGnu;
      return;
    }
    windowEnd += min(room, end - windowEnd);
  }
}

function farthest(): u32 {
  const distance = windowSize - MIN_LOOKAHEAD;
  return position - windowStart > distance ? position - distance : windowStart;
}

/** Enters the three bytes at `at` and returns the last position with the same hash. */
function insert(at: u32): u32 {
  const bytes = content + at;
  const hash =
    (((<u32>load<u8>(bytes)) << (2 * hashShift)) ^
      ((<u32>load<u8>(bytes, 1)) << hashShift) ^
      (<u32>load<u8>(bytes, 2))) &
    hashMask;
  const head = heads + ((<usize>hash) << 2);
  const last = load<u32>(head);
  store<u32>(previous + ((<usize>(at & (windowSize - 1))) << 2), last);
  store<u32>(head, at);
  return last;
}

function isInReach(candidate: u32): bool {
  return (
    candidate > windowStart &&
    position - candidate <= windowSize - MIN_LOOKAHEAD &&
    // Else GNU gzip would look beyond its window; zlib's has moved on.
    position - windowStart <= 2 * windowSize - MIN_LOOKAHEAD
  );
}

/** The longest match of the chain that is longer than `longest`, or that; sets `matchStart`. */
function longestMatch(candidate: u32, longest: u32): u32 {
  const lookahead = end - position;
  const mask: u32 = windowSize - 1;
  const limit = farthest();
  const nice = isGnu ? niceMatch : min(niceMatch, lookahead);
  let chain = longest >= goodMatch ? maxChain >> 2 : maxChain;
  const here = content + position;
  let lastBytes = load<u16>(here + longest - 1);
  const firstBytes = load<u16>(here);
  do {
    const there = content + candidate;
    if (load<u16>(there + longest - 1) == lastBytes && load<u16>(there) == firstBytes) {
      const length = commonLength(here, there);
      if (length > longest) {
        matchStart = candidate;
        longest = length;
        if (length >= nice) break;
        lastBytes = load<u16>(here + longest - 1);
      }
    }
    candidate = load<u32>(previous + ((<usize>(candidate & mask)) << 2));
  } while (candidate > limit && --chain != 0);
  return min(longest, lookahead);
}

/** Equal bytes, at most 258. */
function commonLength(one: usize, other: usize): u32 {
  let length: u32 = 0;
  while (length < 256) {
    const difference = load<u64>(one + length) ^ load<u64>(other + length);
    if (difference != 0) return length + <u32>(ctz(difference) >> 3);
    length += 8;
  }
  if (load<u8>(one, 256) != load<u8>(other, 256)) return 256;
  return load<u8>(one, 257) != load<u8>(other, 257) ? 257 : MAX_MATCH;
}

/** Writes the block that ends at `position`; false: it differs from what is expected. */
function endBlock(isLast: bool): bool {
  const inWindow = blockStart >= windowStart;
  flushBlock(inWindow ? content + blockStart : 0, position - blockStart, isLast);
  blockStart = position;
  if (expected == 0) return true;
  const length = <u32>(outputPlace() - packed);
  if (length > expectedLength) return false;
  const from = compared;
  compared = length;
  return memory.compare(packed + from, expected + from, length - from) == 0;
}

function endsEarly(): bool {
  return endsBlocksEarly && packsWell(position - blockStart);
}

/** Levels 1 to 3: the first match is taken. */
function deflateFast(): bool {
  while (true) {
    if (position >= pauseAt) return true;
    fillWindow(MIN_LOOKAHEAD);
    if (position == end) return true;
    let length: u32 = 0;
    if (end - position >= MIN_MATCH) {
      const candidate = insert(position);
      if (isInReach(candidate)) length = longestMatch(candidate, MIN_MATCH - 1);
    }
    let isFull: bool;
    if (length >= MIN_MATCH) {
      isFull = addMatch(position - matchStart, length) || endsEarly();
      const next = position + length;
      if (length <= maxLazy && end - next >= MIN_MATCH) {
        while (++position < next) insert(position);
      }
      position = next;
    } else {
      isFull = addLiteral(load<u8>(content + position)) || endsEarly();
      position++;
    }
    if (isFull && !endBlock(false)) return false;
  }
}

/** Levels 4 to 9: a match is taken when the next position has no longer one. */
function deflateLazily(): bool {
  let hasLiteral = pendingLiteral;
  let length = pendingLength;
  while (true) {
    if (position >= pauseAt) {
      pendingLiteral = hasLiteral;
      pendingLength = length;
      return true;
    }
    fillWindow(MIN_LOOKAHEAD);
    if (position == end) break;
    const candidate = end - position >= MIN_MATCH ? insert(position) : 0;
    const lengthBefore = length;
    const startBefore = matchStart;
    length = MIN_MATCH - 1;
    if (lengthBefore < maxLazy && isInReach(candidate)) {
      length = longestMatch(candidate, lengthBefore);
      const isFar = length == MIN_MATCH && position - matchStart > TOO_FAR;
      if (length <= 5 && (strategy == FILTERED || isFar)) length = MIN_MATCH - 1;
    }
    if (lengthBefore >= MIN_MATCH && length <= lengthBefore) {
      const isFull = addMatch(position - 1 - startBefore, lengthBefore) || endsEarly();
      const next = position - 1 + lengthBefore;
      const lastInsert = end - MIN_MATCH;
      while (++position < next) if (position <= lastInsert) insert(position);
      hasLiteral = false;
      length = MIN_MATCH - 1;
      if (isFull && !endBlock(false)) return false;
    } else {
      if (hasLiteral) {
        const isFull = addLiteral(load<u8>(content + position - 1)) || endsEarly();
        if (isFull && !endBlock(false)) return false;
      }
      hasLiteral = true;
      position++;
    }
  }
  if (hasLiteral) addLiteral(load<u8>(content + position - 1));
  return true;
}

/** Only runs of one byte are matches. */
function deflateRuns(): bool {
  while (true) {
    fillWindow(MAX_MATCH + 1);
    if (position == end) return true;
    let length: u32 = 0;
    if (end - position >= MIN_MATCH && position > 0) {
      const here = content + position;
      const byte = load<u8>(here - 1);
      const limit = min(MAX_MATCH, end - position);
      while (length < limit && load<u8>(here + length) == byte) length++;
    }
    let isFull: bool;
    if (length >= MIN_MATCH) {
      isFull = addMatch(1, length);
      position += length;
    } else {
      isFull = addLiteral(load<u8>(content + position));
      position++;
    }
    if (isFull && !endBlock(false)) return false;
  }
}

function deflateLiterals(): bool {
  while (true) {
    fillWindow(1);
    if (position == end) return true;
    const isFull = addLiteral(load<u8>(content + position));
    position++;
    if (isFull && !endBlock(false)) return false;
  }
}
