import { DebshoalError } from '../errors.js';
import { readExactly } from '../io/files.js';
import { LIMITS } from '../limits.js';
import { applyBsdiffPatch } from './bsdiff-patch.js';
import type { OpenDelta } from './container.js';
import type { Operation } from './delta.js';
import { gzipMany, openGzip } from './nested-gzip.js';
import { readSource, type OldPackage } from './old-package.js';
import { expandFrame } from './zstd-frame.js';

/**
 * Carries out the operations of a delta and yields the image in order. Memory: one operation and
 * one batch of nested .gz at a time, as `memoryNeeded` counts it. `folder` is for temporary files.
 */
export async function* imageBytes(
  delta: OpenDelta,
  old: OldPackage,
  folder: string,
): AsyncGenerator<Buffer> {
  let batch: Made[] = [];
  let batchBytes = 0;
  for await (const made of carryOut(delta, old)) {
    if (batch.length === 0 && made.operation.gzip === null) {
      yield made.content;
      continue;
    }
    batch.push(made);
    batchBytes += made.content.length;
    if (batchBytes >= MAX_BATCH_BYTES || batch.length === MAX_BATCH_FILES) {
      yield* await packBatch(batch, folder);
      batch = [];
      batchBytes = 0;
    }
  }
  yield* await packBatch(batch, folder);
}

/** An operation's content before its nested compression. */
interface Made {
  readonly operation: Operation;
  readonly content: Buffer;
}

/** Starting gzip costs more than compressing a manual page, so that many go in one batch. */
const MAX_BATCH_BYTES = 8 * 2 ** 20;
const MAX_BATCH_FILES = 512;

async function packBatch(batch: readonly Made[], folder: string): Promise<Buffer[]> {
  const nested = batch.flatMap(({ operation, content }) =>
    operation.gzip ? [{ recipe: operation.gzip.recipe, content }] : [],
  );
  const packed = (await gzipMany(nested, folder))[Symbol.iterator]();
  return batch.map(({ operation, content }) => {
    if (operation.gzip === null) return content;
    const bytes = packed.next().value;
    if (bytes?.length === operation.gzip.packedLength) return bytes;
    throw new DebshoalError('hash-mismatch', 'a nested .gz came out with another length', {
      hint: 'this gzip differs from the publisher’s; use the full .deb',
    });
  });
}

async function* carryOut(delta: OpenDelta, old: OldPackage): AsyncGenerator<Made> {
  const literals = await readLiterals(delta, old);
  let literalAt = 0;
  let patchAt = delta.patches.offset;
  for (const operation of delta.header.operations) {
    if (operation.method === 'literal') {
      const end = literalAt + operation.contentLength;
      yield { operation, content: literals.subarray(literalAt, end) };
      literalAt = end;
    } else {
      const patch = await readExactly(delta.file, patchAt, operation.patchLength);
      patchAt += operation.patchLength;
      yield { operation, content: await patched(delta, operation, patch, old) };
    }
  }
}

async function readLiterals(delta: OpenDelta, old: OldPackage): Promise<Buffer> {
  const { offset, packed, length } = delta.literals;
  if (length === 0) return Buffer.alloc(0);
  const dictionary = await readDictionary(delta, old);
  return expandFrame(await readExactly(delta.file, offset, packed), dictionary, length);
}

async function readDictionary(delta: OpenDelta, old: OldPackage): Promise<Buffer | null> {
  const { parts, length } = delta.header.dictionary;
  if (parts.length === 0) return null;
  const dictionary = Buffer.alloc(length);
  let at = 0;
  for (const { source, openSource } of parts) {
    const file = await readOne(delta, old, source);
    const content = openSource ? opened(file) : file;
    if (at + content.length > length) break;
    at += content.copy(dictionary, at);
  }
  if (at !== length) {
    throw new DebshoalError('delta-damaged', 'the dictionary has another length');
  }
  return dictionary;
}

async function patched(
  delta: OpenDelta,
  operation: Operation,
  patch: Buffer,
  old: OldPackage,
): Promise<Buffer> {
  const source = operation.source === null ? null : await readOne(delta, old, operation.source);
  const base = source && operation.openSource ? opened(source) : source;
  const { method, contentLength } = operation;
  if (method === 'zstd') return expandFrame(patch, base, contentLength);
  if (base === null) throw new Error('checkConsistency saw a source');
  if (method === 'bsdiff') return applyBsdiffPatch(base, patch, contentLength);
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
