import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

import { compress } from '../deb/compression.js';
import type { Recipe } from '../deb/recipe.js';
import { DebshoalError } from '../errors.js';
import { withTemporaryFolder, writeAtomically } from '../io/files.js';
import { HashingStream, type Sha256 } from '../io/hash.js';
import { openDelta, type OpenDelta } from './container.js';
import type { DeltaHeader } from './delta.js';
import { imageBytes } from './image.js';
import { checkOldPackage, type OldPackage } from './old-package.js';

/** Turns the raw bytes of a member into its compressed bytes. */
export type CompressMember = (
  recipe: Recipe,
  raw: AsyncIterable<Uint8Array>,
) => AsyncIterable<Uint8Array>;

export interface RebuildOptions {
  /** What the delta must lead to; checked before any work, `index-mismatch` otherwise. */
  readonly expected?: { readonly sha256: Sha256; readonly size: number };
  readonly compressMember?: CompressMember;
  readonly signal?: AbortSignal | undefined;
  /** Where gzip's temporary files go; the system's temporary folder by default. */
  readonly temporaryParent?: string;
}

export interface RebuildResult {
  readonly seconds: {
    readonly total: number;
    /** Producing the image: reading old files, decoding, patching. */
    readonly decode: number;
    /** What the encoders took beyond that, i.e. the price of bit-exact compression. */
    readonly recompress: number;
  };
}

/**
 * Rebuilds the .deb of `deltaPath` from `old` into `target`: streamed, checked against the hash in
 * the delta, and moved into place only then. Nothing of a failed rebuild stays.
 */
export async function rebuildDeb(
  deltaPath: string,
  old: OldPackage,
  target: string,
  options: RebuildOptions = {},
): Promise<RebuildResult> {
  const delta = await openDelta(deltaPath);
  try {
    checkTarget(delta.header, options.expected);
    checkOldPackage(delta.header, old);
    return await withTemporaryFolder(
      (folder) => writeAtomically(target, (path) => writeDeb(delta, old, path, folder, options)),
      options.temporaryParent,
    );
  } finally {
    await delta.file.close();
  }
}

function checkTarget({ target }: DeltaHeader, expected: RebuildOptions['expected']): void {
  if (expected === undefined) return;
  if (target.sha256 !== expected.sha256 || target.size !== expected.size) {
    throw new DebshoalError(
      'index-mismatch',
      'the delta rebuilds another .deb than its index says',
    );
  }
}

async function writeDeb(
  delta: OpenDelta,
  old: OldPackage,
  path: string,
  folder: string,
  options: RebuildOptions,
): Promise<RebuildResult> {
  const started = performance.now();
  const image = new TimedBytes(imageBytes(delta, old, folder));
  const hashing = new HashingStream();
  // Opened before the pipeline: one that fails early would remove the file and create it then.
  const file = await open(path, 'wx');
  await pipeline(
    debBytes(delta, image, options.compressMember ?? compress),
    limitLength(delta.header.target.size),
    hashing,
    file.createWriteStream(),
    { signal: options.signal },
  );
  const result = hashing.result();
  const { target } = delta.header;
  if (result.sha256 !== target.sha256 || result.size !== target.size) {
    throw new DebshoalError('hash-mismatch', 'the rebuilt .deb differs from the published one', {
      hint: 'use the full .deb',
    });
  }
  const total = (performance.now() - started) / 1000;
  const decode = image.waited / 1000;
  return { seconds: { total, decode, recompress: total - decode } };
}

async function* debBytes(
  delta: OpenDelta,
  image: TimedBytes,
  compressMember: CompressMember,
): AsyncGenerator<Uint8Array> {
  for (const part of delta.header.parts) {
    const raw = image.take(part.length);
    yield* part.kind === 'literal' ? raw : compressMember(part.recipe, raw);
  }
}

/** Stops an output that grows past what the delta declares. */
function limitLength(max: number) {
  return async function* (input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let length = 0;
    for await (const chunk of input) {
      length += chunk.length;
      if (length > max) {
        throw new DebshoalError('hash-mismatch', 'the rebuilt .deb is larger than declared');
      }
      yield chunk;
    }
  };
}

/** Hands out a sequence of chunks in stretches of given lengths, and times the waiting for them. */
class TimedBytes {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #left: Uint8Array = new Uint8Array(0);
  waited = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async *take(length: number): AsyncGenerator<Uint8Array> {
    let wanted = length;
    while (wanted > 0) {
      if (this.#left.length === 0) this.#left = await this.#next();
      const chunk = this.#left.subarray(0, wanted);
      this.#left = this.#left.subarray(chunk.length);
      wanted -= chunk.length;
      yield chunk;
    }
  }

  async #next(): Promise<Uint8Array> {
    const started = performance.now();
    const next = await this.#chunks.next();
    this.waited += performance.now() - started;
    if (next.done)
      throw new DebshoalError('delta-damaged', 'operations end before the target does');
    return next.value;
  }
}
