import type { DebFile } from '../../shared/deb/expand-deb.js';
import { makeBsdiffPatch } from './bsdiff.js';
import type { Operation } from '../../shared/delta/delta.js';
import { openGzip } from '../../shared/delta/nested-gzip.js';
import { canBeDictionary, compressFrame } from '../../shared/delta/zstd-frame.js';
import { LIMITS } from '../../shared/limits.js';
import type { ExactGzip } from './gzip-recipe.js';
import { shareLongRun } from './long-runs.js';
import type { OldFiles } from './old-files.js';

/** How one new file is made; the caller gives sources their numbers. */
export interface Choice {
  readonly method: Operation['method'];
  readonly base: Base | null;
  readonly gzip: Operation['gzip'];
  readonly contentLength: number;
  /** For `literal` the content, else the patch. */
  readonly bytes: Buffer;
}

/** An old file to work against. */
export interface Base {
  readonly file: DebFile;
  readonly fileContent: Buffer;
  /** The file's content, or what is inside when it is an opened .gz. */
  readonly content: Buffer;
  readonly opened: boolean;
}

/** Contents up to this size may join the literal stream, which compresses them together. */
const MAX_LITERAL_FILE = 64 * 1024;
/** In the literal stream a file pays neither a frame nor an operation of its own: 20 bytes. */
const OWN_OPERATION_COST = 20;
/** A predecessor must save this share, or the file is treated as new. */
const WORTH_A_SOURCE = 0.9;

/** The cheapest of copy, bsdiff, zstd against the old file, plain zstd, the literal stream. */
export async function chooseOperation(
  file: DebFile,
  bytes: Buffer,
  gz: ExactGzip | null,
  old: OldFiles,
  folder: string,
): Promise<Choice> {
  const same = old.identical(bytes);
  if (same) {
    const base = { file: same, fileContent: bytes, content: bytes, opened: false };
    return { method: 'copy', base, gzip: null, ...patch(bytes, Buffer.alloc(0)) };
  }
  const content = gz?.content ?? bytes;
  const gzip = gz ? { recipe: gz.recipe, packedLength: bytes.length } : null;
  const base = await openPredecessor(file, old, gz !== null);
  if (base?.content.equals(content)) {
    return { method: 'copy', base, gzip, ...patch(content, Buffer.alloc(0)) };
  }
  const patches = base ? await makePatches(base.content, content, folder) : null;
  const plain = compressFrame(content, null);
  const isSmall = content.length <= MAX_LITERAL_FILE;
  const limit = plain.length * WORTH_A_SOURCE;
  const { bsdiff = null, zstd = null } = patches ?? {};
  if (base && bsdiff && bsdiff.length < limit && bsdiff.length < (zstd?.length ?? Infinity)) {
    const cost = bsdiff.length + OWN_OPERATION_COST;
    if (!isSmall || !zstd || cost < zstd.length) {
      return { method: 'bsdiff', base, gzip, ...patch(content, bsdiff) };
    }
  }
  const useful = base && zstd && zstd.length < limit ? base : null;
  if (isSmall) return { method: 'literal', base: useful, gzip, ...patch(content, content) };
  if (useful && zstd) return { method: 'zstd', base: useful, gzip, ...patch(content, zstd) };
  return { method: 'zstd', base: null, gzip, ...patch(content, plain) };
}

function patch(content: Buffer, bytes: Buffer): Pick<Choice, 'contentLength' | 'bytes'> {
  return { contentLength: content.length, bytes };
}

async function openPredecessor(
  file: DebFile,
  old: OldFiles,
  wantsContent: boolean,
): Promise<Base | null> {
  const predecessor = old.predecessor(file);
  if (!predecessor || predecessor.size === 0) return null;
  const fileContent = await old.read(predecessor);
  const inside = wantsContent ? openGzip(fileContent, LIMITS.nestedGzipBytes) : null;
  return {
    file: predecessor,
    fileContent,
    content: inside ?? fileContent,
    opened: inside !== null,
  };
}

async function makePatches(
  base: Buffer,
  content: Buffer,
  folder: string,
): Promise<{ bsdiff: Buffer | null; zstd: Buffer | null }> {
  const fitsBsdiff =
    Math.max(base.length, content.length) <= LIMITS.bsdiffFileBytes && !shareLongRun(base, content);
  return {
    zstd: canBeDictionary(base) ? compressFrame(content, base) : null,
    bsdiff: fitsBsdiff ? await makeBsdiffPatch(base, content, folder) : null,
  };
}
