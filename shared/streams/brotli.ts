import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

import { DebshoalError } from '../errors.js';

/** Compresses at the highest quality. The same bytes with the same version of Node's brotli. */
export function compressBrotli(bytes: Uint8Array): Buffer {
  const window = Math.ceil(Math.log2(bytes.length + 16));
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      [constants.BROTLI_PARAM_LGWIN]: Math.min(
        constants.BROTLI_MAX_WINDOW_BITS,
        Math.max(constants.BROTLI_MIN_WINDOW_BITS, window),
      ),
    },
  });
}

/** Expands to exactly `length` bytes, which the caller has checked. `delta-damaged` otherwise. */
export function expandBrotli(packed: Uint8Array, length: number): Buffer {
  try {
    const bytes = brotliDecompressSync(packed, { maxOutputLength: length });
    if (bytes.length === length) return bytes;
  } catch (cause) {
    throw new DebshoalError('delta-damaged', 'damaged brotli', { cause });
  }
  throw new DebshoalError('delta-damaged', `brotli is shorter than ${length} bytes`);
}
