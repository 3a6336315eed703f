import type { Matches } from '../delta/matches.js';
import { DebshoalError } from '../errors.js';
import { instantiate } from './instantiate.js';

/** What assembly/matcher.ts exports; positions in its memory arrive as signed numbers. */
interface Matcher {
  readonly memory: WebAssembly.Memory;
  allocate(length: number): number;
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
  return indexOld(oldBytes).match(newBytes);
}

/**
 * Sorts old bytes: about 5 bytes of memory a byte, 10 while it runs. Throws `limit-exceeded` when
 * old and new bytes with what belongs to them do not fit into 4 GiB.
 */
export function indexOld(oldBytes: Uint8Array): OldIndex {
  const matcher = instantiate('matcher').exports as unknown as Matcher;
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
  const most = matcher.mostMatches(newBytes.length);
  const rows = guarded(newBytes.length, () => matcher.allocate(most * 12) >>> 0);
  const count = matcher.match(bytes, newBytes.length, rows);
  const table = new Uint32Array(matcher.memory.buffer, rows, count * 3);
  const column = (index: number) =>
    Uint32Array.from({ length: count }, (_, row) => table[row * 3 + index] ?? 0);
  const matches = { newAt: column(0), oldAt: column(1), length: column(2) };
  matcher.release(rows);
  matcher.release(bytes);
  return matches;
}

/** Copies bytes into the kernel's memory. */
function place(matcher: Matcher, bytes: Uint8Array): number {
  if (bytes.length >= LONGEST) throw tooLarge(bytes.length);
  const at = guarded(bytes.length, () => matcher.allocate(bytes.length) >>> 0);
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
