import lzma from 'lzma-native';

import { DebshoalError } from '../errors.js';
import { LIMITS } from '../limits.js';

/**
 * Input is decoded in slices of this many bytes: the native decoder expands all that it is given
 * before anyone can look, and xz expands up to 7,000 times, so a slice costs at most 28 MiB.
 */
export const XZ_SLICE_BYTES = 4096;

/** Compresses bytes as `xz -6` in one thread does: the same bytes on every machine. */
export async function compressXz(bytes: Uint8Array): Promise<Buffer> {
  const encoder = lzma.createStream('easyEncoder', { preset: 6, check: lzma.CHECK_CRC64 });
  const chunks: Buffer[] = [];
  encoder.end(bytes);
  for await (const chunk of encoder) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * Expands an .xz to at most `maxBytes`. Fails with `limit-exceeded` for more (a bomb) and for a
 * dictionary beyond our limit, with `archive-malformed` when it is damaged, cut off or followed by
 * anything but zeros or another .xz.
 */
export function decompressXz(bytes: Uint8Array, maxBytes: number): Promise<Buffer> {
  const memlimit = LIMITS.xzDecoderMemoryBytes;
  const decoder = lzma.createStream('streamDecoder', { memlimit });
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const fail = (error: DebshoalError): void => {
      decoder.destroy();
      reject(error);
    };
    decoder.on('error', (cause: Error) => {
      if (cause.name === 'LZMA_MEMLIMIT_ERROR') {
        fail(new DebshoalError('limit-exceeded', `an .xz needs over ${memlimit} bytes of memory`));
      } else {
        fail(new DebshoalError('archive-malformed', 'not a whole, undamaged .xz', { cause }));
      }
    });
    decoder.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
    });
    decoder.on('end', () => {
      if (size > maxBytes) fail(tooLarge(maxBytes));
      else resolve(Buffer.concat(chunks));
    });
    const writeFrom = (offset: number): void => {
      if (size > maxBytes) {
        fail(tooLarge(maxBytes));
      } else if (offset >= bytes.length) {
        decoder.end();
      } else {
        const end = offset + XZ_SLICE_BYTES;
        decoder.write(bytes.subarray(offset, end), () => {
          writeFrom(end);
        });
      }
    };
    writeFrom(0);
  });
}

function tooLarge(maxBytes: number): DebshoalError {
  return new DebshoalError('limit-exceeded', `an .xz expands to over ${maxBytes} bytes`);
}
