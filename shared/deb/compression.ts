import { availableParallelism } from 'node:os';
import { type Duplex, PassThrough, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import lzma from 'lzma-native';
import { CompressStream, DecompressStream } from 'zstd-napi';

import { DebshoalError } from '../errors.js';
import { XZ_SLICE_BYTES } from '../io/xz.js';
import { LIMITS } from '../limits.js';
import { encodeGzip } from './gzip-encoder.js';
import { encoderMemory, type Recipe } from './recipe.js';

/** The compressions that dpkg accepts for a member; deb(5). */
export type Compression = 'none' | 'gz' | 'xz' | 'zst';

/**
 * Decompresses a member, failing with `limit-exceeded` past `maxBytes` (a bomb) and
 * `deb-malformed` on damaged data.
 */
export async function* decompress(
  compression: Compression,
  input: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  let total = 0;
  try {
    const sliced = compression === 'xz' ? slices(input) : input;
    for await (const chunk of through(sliced, decoder(compression))) {
      total += chunk.length;
      if (total > maxBytes) break;
      yield chunk;
    }
  } catch (error) {
    if (error instanceof DebshoalError) throw error;
    if (error instanceof Error && error.name === 'LZMA_MEMLIMIT_ERROR') {
      throw new DebshoalError('limit-exceeded', 'an .xz with a giant dictionary', { cause: error });
    }
    throw new DebshoalError('deb-malformed', `damaged ${compression} data`, { cause: error });
  }
  if (total > maxBytes) {
    throw new DebshoalError('limit-exceeded', `expands to over ${maxBytes} bytes`);
  }
}

/** See XZ_SLICE_BYTES: what the decoder gets at once must not expand to more than memory holds. */
async function* slices(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) {
    for (let at = 0; at < chunk.length; at += XZ_SLICE_BYTES) {
      yield chunk.subarray(at, at + XZ_SLICE_BYTES);
    }
  }
}

function decoder(compression: Compression): Duplex {
  switch (compression) {
    case 'none':
      return new PassThrough();
    case 'gz':
      return createGunzip();
    case 'xz':
      return lzma.createStream('streamDecoder', { memlimit: LIMITS.xzDecoderMemoryBytes });
    case 'zst':
      return new DecompressStream();
  }
}

/**
 * Compresses by a recipe; the same bytes on every machine and for any number of threads, of which
 * there are at most `maxThreads` and what memory allows. Fails with `tool-failed` when the encoder
 * does.
 */
export async function* compress(
  recipe: Recipe,
  input: AsyncIterable<Uint8Array>,
  maxThreads = availableParallelism(),
): AsyncGenerator<Buffer> {
  const source = { failed: false };
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* input;
    } catch (error) {
      source.failed = true;
      throw error;
    }
  }
  try {
    yield* encode(recipe, watched(), maxThreads);
  } catch (cause) {
    if (source.failed || cause instanceof DebshoalError) throw cause;
    throw new DebshoalError('tool-failed', `the ${recipe.kind} encoder failed`, { cause });
  }
}

function encode(
  recipe: Recipe,
  input: AsyncIterable<Uint8Array>,
  maxThreads: number,
): AsyncIterable<Buffer> {
  const affordable = Math.floor(LIMITS.encoderMemoryBytes / Math.max(1, encoderMemory(recipe)));
  const threads = Math.max(1, Math.min(maxThreads, affordable));
  switch (recipe.kind) {
    case 'stored':
      return through(input, new PassThrough());
    case 'xz':
      return through(input, xzEncoder(recipe, threads));
    case 'zstd':
      return through(
        input,
        new CompressStream({
          compressionLevel: recipe.level,
          checksumFlag: recipe.checksum,
          ...(recipe.threaded && { nbWorkers: threads }),
        }),
      );
    case 'gzip':
      return gzip(recipe, input);
  }
}

/** Runs bytes through a stream, with errors of both sides reaching the reader. */
async function* through(
  input: AsyncIterable<Uint8Array>,
  transform: Duplex,
): AsyncGenerator<Buffer> {
  // The callback is the error's other way out; the reader below gets it from `transform` itself.
  pipeline(Readable.from(input, { objectMode: false }), transform, () => undefined);
  for await (const chunk of transform) yield chunk as Buffer;
}

function xzEncoder(recipe: Extract<Recipe, { kind: 'xz' }>, threads: number): Duplex {
  return lzma.createStream('easyEncoder', {
    preset: recipe.extreme ? (recipe.preset | lzma.PRESET_EXTREME) >>> 0 : recipe.preset,
    check: recipe.check,
    // Any number of threads selects liblzma's threaded encoder, whose output depends on the
    // block size alone; without it the other encoder runs.
    ...(recipe.blockBytes !== null && {
      threads,
      blockSize: recipe.blockBytes,
    }),
  });
}

async function* gzip(
  { encoder, level, header }: Extract<Recipe, { kind: 'gzip' }>,
  input: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  yield Buffer.from(header);
  yield* encodeGzip(encoder, level, input);
}
