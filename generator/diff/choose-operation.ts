import type { DebFile } from '../../shared/deb/expand-deb.js';
import { makeBsdiffPatch } from '../../shared/delta/bsdiff-patch.js';
import type { Operation } from '../../shared/delta/delta.js';
import { openGzip } from '../../shared/delta/nested-gzip.js';
import { canBeDictionary, compressFrame } from '../../shared/delta/zstd-frame.js';
import { LIMITS } from '../../shared/limits.js';
import { openExactGzip } from './gzip-recipe.js';
import type { OldFiles } from './old-files.js';

/** How one new file is made: the operation without its source's number, which the caller gives. */
export interface Choice {
  readonly operation: Omit<Operation, 'source'>;
  readonly source: { readonly file: DebFile; readonly content: Buffer } | null;
  /** For `literal` the content itself, else the patch. */
  readonly bytes: Buffer;
}

/** Files up to this size join the literal stream, which compresses them together. */
const MAX_LITERAL_FILE = 64 * 1024;
/** A predecessor must save this share, or the file is treated as new. */
const WORTH_A_SOURCE = 0.9;

/** The cheapest of copy, bsdiff, zstd with the old file as dictionary, plain zstd, literal. */
export async function chooseOperation(
  file: DebFile,
  bytes: Buffer,
  old: OldFiles,
  folder: string,
): Promise<Choice> {
  const same = old.identical(bytes);
  if (same) return copyOf(same, bytes);
  const gz = openExactGzip(bytes);
  const content = gz?.content ?? bytes;
  const gzip = gz ? { recipe: gz.recipe, packedLength: bytes.length } : null;
  const base = await openPredecessor(file, old, gz !== null);
  const frame = {
    contentLength: content.length,
    openSource: base?.opened ?? false,
    gzip,
  };
  if (base && base.content.equals(content)) {
    return {
      operation: { ...frame, method: 'copy', patchLength: 0 },
      source: base.source,
      bytes: Buffer.alloc(0),
    };
  }
  const plain = compressFrame(content, null);
  const best = base ? await smallestPatch(base.content, content, folder) : null;
  if (base && best && best.bytes.length < plain.length * WORTH_A_SOURCE) {
    const operation = { ...frame, method: best.method, patchLength: best.bytes.length };
    return { operation, source: base.source, bytes: best.bytes };
  }
  if (content.length <= MAX_LITERAL_FILE) {
    const operation = { ...frame, method: 'literal' as const, openSource: false, patchLength: 0 };
    return { operation, source: null, bytes: content };
  }
  const operation = {
    ...frame,
    method: 'zstd' as const,
    openSource: false,
    patchLength: plain.length,
  };
  return { operation, source: null, bytes: plain };
}

function copyOf(file: DebFile, content: Buffer): Choice {
  return {
    operation: {
      method: 'copy',
      contentLength: content.length,
      openSource: false,
      patchLength: 0,
      gzip: null,
    },
    source: { file, content },
    bytes: Buffer.alloc(0),
  };
}

interface Base {
  readonly source: { readonly file: DebFile; readonly content: Buffer };
  /** What patches are made against: the source, or its content when it is a .gz. */
  readonly content: Buffer;
  readonly opened: boolean;
}

async function openPredecessor(
  file: DebFile,
  old: OldFiles,
  wantsContent: boolean,
): Promise<Base | null> {
  const predecessor = old.predecessor(file);
  if (!predecessor || predecessor.size === 0) return null;
  const content = await old.read(predecessor);
  const source = { file: predecessor, content };
  const opened = wantsContent ? openGzip(content, LIMITS.nestedGzipBytes) : null;
  return { source, content: opened ?? content, opened: opened !== null };
}

async function smallestPatch(
  base: Buffer,
  content: Buffer,
  folder: string,
): Promise<{ method: 'bsdiff' | 'zstd'; bytes: Buffer } | null> {
  const candidates: { method: 'bsdiff' | 'zstd'; bytes: Buffer }[] = [];
  if (canBeDictionary(base)) {
    candidates.push({ method: 'zstd', bytes: compressFrame(content, base) });
  }
  if (base.length <= LIMITS.bsdiffFileBytes && content.length <= LIMITS.bsdiffFileBytes) {
    candidates.push({ method: 'bsdiff', bytes: await makeBsdiffPatch(base, content, folder) });
  }
  return candidates.reduce<(typeof candidates)[number] | null>(
    (best, next) => (best === null || next.bytes.length < best.bytes.length ? next : best),
    null,
  );
}
