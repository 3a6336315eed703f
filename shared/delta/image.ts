import { DebshoalError } from '../errors.js';
import { readExactly } from '../io/files.js';
import { LIMITS } from '../limits.js';
import { applyBsdiffPatch } from './bsdiff-patch.js';
import type { OpenDelta } from './container.js';
import type { Operation } from './delta.js';
import { gzipAtOnce, openGzip } from './nested-gzip.js';
import { readSource, type OldPackage } from './old-package.js';
import { expandFrame } from './zstd-frame.js';

/**
 * Carries out the operations of a delta and yields the image in order. Memory: one operation at a
 * time, as `memoryNeeded` counts it. `folder` is for bsdiff's temporary files.
 */
export async function* imageBytes(
  delta: OpenDelta,
  old: OldPackage,
  folder: string,
): AsyncGenerator<Buffer> {
  const literals = await readLiterals(delta, old);
  let literalAt = 0;
  let patchAt = delta.patches.offset;
  for (const operation of delta.header.operations) {
    let content: Buffer;
    if (operation.method === 'literal') {
      content = literals.subarray(literalAt, literalAt + operation.contentLength);
      literalAt += operation.contentLength;
    } else {
      const patch = await readExactly(delta.file, patchAt, operation.patchLength);
      patchAt += operation.patchLength;
      content = await patched(delta, operation, patch, old, folder);
    }
    yield operation.gzip ? packed(operation, content) : content;
  }
}

async function readLiterals(delta: OpenDelta, old: OldPackage): Promise<Buffer> {
  const { offset, packed, length } = delta.literals;
  if (length === 0) return Buffer.alloc(0);
  const { literalDictionary } = delta.header;
  const dictionary =
    literalDictionary === null ? null : await readOne(delta, old, literalDictionary);
  return expandFrame(await readExactly(delta.file, offset, packed), dictionary, length);
}

async function patched(
  delta: OpenDelta,
  operation: Operation,
  patch: Buffer,
  old: OldPackage,
  folder: string,
): Promise<Buffer> {
  const source =
    operation.source === null ? null : await readOne(delta, old, operation.source);
  const base = source && operation.openSource ? opened(source) : source;
  const { method, contentLength } = operation;
  if (method === 'zstd') return expandFrame(patch, base, contentLength);
  if (base === null) throw new Error('checkConsistency saw a source');
  if (method === 'bsdiff') return applyBsdiffPatch(base, patch, contentLength, folder);
  if (base.length !== contentLength) {
    throw new DebshoalError('delta-damaged', 'a copy of another length than its source');
  }
  return base;
}

function readOne(delta: OpenDelta, old: OldPackage, index: number): Promise<Buffer> {
  const source = delta.header.sources[index];
  if (source === undefined) throw new Error('checkConsistency saw all sources');
  return readSource(old, source);
}

function opened(gz: Buffer): Buffer {
  const content = openGzip(gz, LIMITS.nestedGzipBytes);
  if (content === null) throw new DebshoalError('delta-damaged', 'a source that is no .gz');
  return content;
}

function packed(operation: Operation, content: Buffer): Buffer {
  if (operation.gzip === null) throw new Error('only for operations with a recipe');
  const bytes = gzipAtOnce(operation.gzip.recipe, content);
  if (bytes.length !== operation.gzip.packedLength) {
    throw new DebshoalError('hash-mismatch', 'a nested .gz came out with another length', {
      hint: 'this gzip differs from the publisher’s; use the full .deb',
    });
  }
  return bytes;
}
