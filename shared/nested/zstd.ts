import { pipeline } from 'node:stream';

import { DecompressStream } from 'zstd-napi';

import { DebshoalError } from '../errors.js';

const MAGIC = 0xfd2fb528;
/** The native decoder expands all that it is given at once, as that of .xz does. */
const SLICE_BYTES = 4096;

export function isZstd(bytes: Buffer): boolean {
  return bytes.length >= 9 && bytes.readUInt32LE(0) === MAGIC;
}

/** RFC 8878 section 3.1.1.1.1: what the frame header tells of the encoder. */
export function zstdFlags(bytes: Buffer): { checksum: boolean; contentSize: boolean } {
  const descriptor = bytes[4] ?? 0;
  return {
    checksum: (descriptor & 0x04) !== 0,
    contentSize: (descriptor & 0xe0) !== 0,
  };
}

/** Expands a .zst to at most `maxBytes`; errors as those of decompressXz. */
export async function decompressZstd(bytes: Uint8Array, maxBytes: number): Promise<Buffer> {
  const decoder = new DecompressStream();
  const chunks: Buffer[] = [];
  let size = 0;
  function* slices(): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES)
      yield bytes.subarray(at, at + SLICE_BYTES);
  }
  try {
    // The callback is the error's other way out; the loop below gets it from the decoder.
    pipeline(slices(), decoder, () => undefined);
    for await (const chunk of decoder) {
      size += (chunk as Buffer).length;
      if (size > maxBytes) break;
      chunks.push(chunk as Buffer);
    }
  } catch (cause) {
    throw new DebshoalError('archive-malformed', 'not a whole, undamaged .zst', { cause });
  }
  if (size > maxBytes) {
    throw new DebshoalError('limit-exceeded', `a .zst expands to over ${maxBytes} bytes`);
  }
  return Buffer.concat(chunks);
}
