import type { DeflateTrailer } from './nested-recipe.js';
import type { Zip } from './zip.js';

/** Bytes, and the packed streams that were found in them: in order, not overlapping. */
export interface NestedNode {
  readonly bytes: Buffer;
  readonly streams: readonly NestedStream[];
}

/** `node` has the content; `start` and `end` are the packed bytes in the parent. */
export type NestedStream = DeflateStream | PngStream | ZipStream | WholeStream;

interface StreamRange {
  readonly start: number;
  readonly end: number;
}

export interface DeflateStream extends StreamRange {
  readonly kind: 'deflate';
  readonly trailer: DeflateTrailer;
  /** The level that the header before it claims, if it does. */
  readonly hintedLevel: number | null;
  readonly hintedWindowBits: number;
  readonly node: NestedNode;
}

interface PngStream extends StreamRange {
  readonly kind: 'png';
  /** The zlib stream without its chunks. */
  readonly data: Buffer;
  readonly chunkBytes: readonly number[];
  readonly node: NestedNode;
}

/** A regular zip; see zip.ts. */
export interface ZipStream extends StreamRange {
  readonly kind: 'zip';
  readonly zip: Zip;
  /** For each entry its packed stream, the node of its stored bytes, or null: not to be opened. */
  readonly entries: readonly (DeflateStream | NestedNode | null)[];
}

/** A whole .xz or .zst. */
interface WholeStream extends StreamRange {
  readonly kind: 'xz' | 'zstd';
  readonly node: NestedNode;
}
