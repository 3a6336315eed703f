import { DebshoalError } from '../errors.js';
import { encoderMemory, type Recipe } from '../deb/recipe.js';
import type { Sha256 } from '../io/hash.js';
import { LIMITS } from '../limits.js';

/** A delta as data; FORMAT.md has the bytes, container.ts the codec. */
export interface DeltaHeader {
  readonly package: string;
  readonly architecture: string;
  readonly oldVersion: string;
  readonly newVersion: string;
  /** The .deb that this delta rebuilds. */
  readonly target: { readonly size: number; readonly sha256: Sha256 };
  /** Bytes of memory that applying needs, the recipe's encoder with one thread included. */
  readonly memoryBytes: number;
  /** Fingerprint of the old package's file list, to which the places of sources refer. */
  readonly fileList: string;
  readonly parts: readonly TargetPart[];
  readonly sources: readonly SourceFile[];
  /** What the literal stream was compressed against, one after the other. */
  readonly dictionary: LiteralDictionary;
  readonly operations: readonly Operation[];
}

/** A stretch of the target .deb: bytes as they are, or image bytes to be compressed. */
export type TargetPart =
  | { readonly kind: 'literal'; readonly length: number }
  | { readonly kind: 'member'; readonly length: number; readonly recipe: Recipe };

/** Old files as the history before the literal stream; `length` is that of all of them together. */
export interface LiteralDictionary {
  readonly length: number;
  readonly parts: readonly { readonly source: number; readonly openSource: boolean }[];
}

/** A file of the old package. A delta never brings a path, only a place. */
export interface SourceFile {
  /** data: index in the sorted file list; control: index in CONTROL_SOURCES. */
  readonly member: 'control' | 'data';
  readonly place: number;
  readonly size: number;
  readonly fingerprint: string;
}

/**
 * Produces the next bytes of the image. `content` is what the method yields; with `gzip` it is
 * compressed by that recipe into the bytes of the image.
 */
export interface Operation {
  readonly method: 'literal' | 'copy' | 'bsdiff' | 'zstd';
  readonly contentLength: number;
  /** Index of the source file; null for `literal` and for `zstd` without a dictionary. */
  readonly source: number | null;
  /** The source is a .gz whose content is meant. */
  readonly openSource: boolean;
  /** Bytes of the patch stream that belong to this operation. */
  readonly patchLength: number;
  readonly gzip: {
    readonly recipe: Recipe & { kind: 'gzip' };
    readonly packedLength: number;
  } | null;
}

/**
 * The control files that dpkg keeps verbatim in its info folder, by number. `control` itself is
 * not among them: dpkg reorders it into its status file. Append only: the numbers are the format.
 */
export const CONTROL_SOURCES: readonly string[] = [
  'md5sums',
  'conffiles',
  'preinst',
  'postinst',
  'prerm',
  'postrm',
  'triggers',
  'shlibs',
  'symbols',
  'templates',
  'config',
];

/** Bytes that an operation adds to the image. */
export function imageLength(operation: Operation): number {
  return operation.gzip?.packedLength ?? operation.contentLength;
}

type Matching = Pick<DeltaHeader, 'sources' | 'operations' | 'dictionary'>;

/** Deflate's best is 1032 to 1 (RFC 1951: 258 bytes in two bits). */
const GZIP_BEST_RATIO = 1032;

/** Bytes of a source file, and of what is inside when it is opened. */
function sourceBytes({ sources }: Matching, source: number | null, opened: boolean): number {
  const size = source === null ? 0 : (sources[source]?.size ?? 0);
  return size + (opened ? Math.min(size * GZIP_BEST_RATIO, LIMITS.nestedGzipBytes) : 0);
}

/** The runtime, the stream buffers, the codecs' own tables and the batch of nested .gz. */
const BASE_MEMORY = 128 * 2 ** 20;
/** Of the header in memory, for each of its sources and operations. */
const ENTRY_MEMORY = 512;

/**
 * Memory that applying a delta needs, from what its header declares: twice what an operation reads
 * (the codecs copy their dictionaries), its patch and its result.
 */
export function memoryNeeded(
  header: Matching & Pick<DeltaHeader, 'parts'>,
  literalLength: number,
): number {
  const { operations, sources, dictionary, parts } = header;
  let largest = 0;
  for (const operation of operations) {
    const read = sourceBytes(header, operation.source, operation.openSource);
    const made = operation.contentLength + imageLength(operation);
    largest = Math.max(largest, 2 * (read + operation.patchLength) + made);
  }
  for (const { source, openSource } of dictionary.parts) {
    largest = Math.max(largest, sourceBytes(header, source, openSource));
  }
  const entries = operations.length + sources.length + dictionary.parts.length;
  const encoders = parts.map((p) => (p.kind === 'member' ? encoderMemory(p.recipe) : 0));
  const literals = 2 * (literalLength + dictionary.length);
  return BASE_MEMORY + entries * ENTRY_MEMORY + literals + largest + Math.max(0, ...encoders);
}

/** Bytes that applying a delta reads and makes in all. */
function workNeeded(header: Matching): number {
  const made = header.operations.reduce((sum, { source, openSource, contentLength }) => {
    return sum + sourceBytes(header, source, openSource) + contentLength;
  }, 0);
  return header.dictionary.parts.reduce((sum, { source, openSource }) => {
    return sum + sourceBytes(header, source, openSource);
  }, made);
}

/** Checks that the operations fill the parts exactly and use sources that exist. */
export function checkConsistency(header: DeltaHeader): void {
  const fail = (what: string): never => {
    throw new DebshoalError('delta-damaged', `inconsistent delta: ${what}`);
  };
  const sum = (lengths: readonly number[]): number => lengths.reduce((a, b) => a + b, 0);
  if (sum(header.operations.map(imageLength)) !== sum(header.parts.map((part) => part.length))) {
    fail('operations and parts have different lengths');
  }
  const sourceCount = header.sources.length;
  for (const operation of header.operations) {
    const { method, source, openSource, patchLength, contentLength } = operation;
    if (source !== null && source >= sourceCount) fail('an unknown source file');
    const needsSource = method === 'copy' || method === 'bsdiff';
    if ((needsSource || openSource) && source === null) fail(`${method} without a source file`);
    if (method === 'bsdiff' && contentLength > LIMITS.bsdiffFileBytes) fail('bsdiff of a giant');
    const takesPatch = method === 'bsdiff' || method === 'zstd';
    if (takesPatch !== patchLength > 0) fail(`${method} with ${patchLength} bytes of patch`);
  }
  if (header.dictionary.parts.some((part) => part.source >= sourceCount)) {
    fail('an unknown file in the dictionary');
  }
  for (const { member, place } of header.sources) {
    if (member === 'control' && place >= CONTROL_SOURCES.length) fail('an unknown control file');
  }
  if (workNeeded(header) > LIMITS.deltaWorkBytes) {
    throw new DebshoalError('limit-exceeded', 'applying this delta would take too long');
  }
}
