import type { Matches } from '../delta/matches.js';
import { DebshoalError } from '../errors.js';
import { instantiate } from './instantiate.js';

/** What assembly/matcher.ts exports; positions in its memory arrive as signed numbers. */
interface Matcher {
  readonly memory: WebAssembly.Memory;
  reserve(length: bigint): number;
  release(block: number): void;
  indexOld(bytes: number, length: number): void;
  mostMatches(length: number): number;
  match(bytes: number, length: number, output: number): number;
  suffixArray(): number;
  comparedBytes(): number;
}

/** Old bytes, sorted once for any number of new ones. Dropping it frees its memory. */
export interface OldIndex {
  match(newBytes: Uint8Array): Matches;
  /** The positions of the old bytes, in the order of what follows them; a view of its memory. */
  sortedSuffixes(): Uint32Array;
  /** Bytes compared by all calls of `match`: a measure of work that is the same on every machine. */
  comparedBytes(): number;
}

const MEMORY_BYTES = 2 ** 32;

/** Marks in the suffix array take a bit of its i32, and sums of two positions must fit. */
const LONGEST = 2 ** 30;

/** Stretches of `newBytes` that resemble stretches of `oldBytes`. `limit-exceeded` as `indexOld`. */
export function findMatches(oldBytes: Uint8Array, newBytes: Uint8Array): Matches {
  const matcher = idle ?? newMatcher();
  // A matcher that failed is not used again.
  idle = null;
  const start = guarded(0, () => matcher.reserve(0n));
  const matches = indexWith(matcher, oldBytes).match(newBytes);
  matcher.release(start);
  if (matcher.memory.buffer.byteLength <= KEPT_BYTES) idle = matcher;
  return matches;
}

/**
 * A matcher for the next call: packages have thousands of small files, and the garbage of as many
 * instances takes longer to collect than the files to match.
 */
let idle: Matcher | null = null;
const KEPT_BYTES = 2 ** 26;

function newMatcher(): Matcher {
  return instantiate('matcher').exports as unknown as Matcher;
}

/**
 * Sorts old bytes. Memory for each old byte: 5 and a filter of 0.75 to 1.5; while sorting 5 and 1 to
 * 3, with hostile repetition up to 8. For each new byte 1, and address space for 1.4. Throws
 * `limit-exceeded` when all of that does not fit into 4 GiB.
 */
export function indexOld(oldBytes: Uint8Array): OldIndex {
  return indexWith(newMatcher(), oldBytes);
}

function indexWith(matcher: Matcher, oldBytes: Uint8Array): OldIndex {
  const old = place(matcher, oldBytes);
  guarded(oldBytes.length, () => {
    matcher.indexOld(old, oldBytes.length);
  });
  return {
    match: (newBytes) => matchNew(matcher, newBytes),
    sortedSuffixes: () =>
      new Uint32Array(matcher.memory.buffer, matcher.suffixArray() >>> 0, oldBytes.length),
    comparedBytes: () => matcher.comparedBytes(),
  };
}

function matchNew(matcher: Matcher, newBytes: Uint8Array): Matches {
  const bytes = place(matcher, newBytes);
  try {
    const rowBytes = BigInt(matcher.mostMatches(newBytes.length) * 12);
    const rows = guarded(newBytes.length, () => matcher.reserve(rowBytes) >>> 0);
    const count = matcher.match(bytes, newBytes.length, rows);
    const table = new Uint32Array(matcher.memory.buffer, rows, count * 3);
    const column = (index: number) =>
      Uint32Array.from({ length: count }, (_, row) => table[row * 3 + index] ?? 0);
    return { newAt: column(0), oldAt: column(1), length: column(2) };
  } finally {
    matcher.release(bytes);
  }
}

/** Copies bytes into the kernel's memory. */
function place(matcher: Matcher, bytes: Uint8Array): number {
  if (bytes.length >= LONGEST) throw tooLarge(bytes.length);
  const at = guarded(bytes.length, () => matcher.reserve(BigInt(bytes.length)) >>> 0);
  new Uint8Array(matcher.memory.buffer).set(bytes, at);
  return at;
}

/** The kernel ends with a trap when memory does not grow; nothing else makes it trap. */
function guarded<Result>(length: number, run: () => Result): Result {
  try {
    return run();
  } catch (cause) {
    throw tooLarge(length, cause);
  }
}

function tooLarge(length: number, cause?: unknown): DebshoalError {
  return new DebshoalError(
    'limit-exceeded',
    `matching ${length} bytes needs more than the ${MEMORY_BYTES} bytes of memory it can have`,
    { cause },
  );
}
