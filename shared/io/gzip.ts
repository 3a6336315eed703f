import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

import { DebshoalError } from '../errors.js';

const gunzipAsync = promisify(gunzip);

/** RFC 1952 section 2.3: bytes of a header without name and extra fields, as `gzip -n` writes it. */
export const PLAIN_GZIP_HEADER = 10;
/** Bytes behind the deflate stream: CRC-32 and length of the content. */
export const GZIP_TRAILER = 8;

/** Where the deflate stream of a gzip member starts (RFC 1952 section 2.3); null: no gzip. */
export function gzipDataAt(bytes: Buffer, start: number): number | null {
  if (start + PLAIN_GZIP_HEADER + GZIP_TRAILER > bytes.length) return null;
  if (bytes.readUInt16BE(start) !== 0x1f8b || bytes[start + 2] !== 8) return null;
  const flags = bytes.readUInt8(start + 3);
  let at = start + PLAIN_GZIP_HEADER;
  if (flags & 0x04) at += 2 + bytes.readUInt16LE(at);
  for (const hasText of [flags & 0x08, flags & 0x10]) {
    if (!hasText) continue;
    at = bytes.indexOf(0, at) + 1;
    if (at === 0) return null;
  }
  if (flags & 0x02) at += 2;
  return at + GZIP_TRAILER < bytes.length ? at : null;
}

/**
 * Expands a .gz of at most `maxBytes` expanded bytes. Fails with `limit-exceeded` for more (a
 * bomb), and with `archive-malformed` when it is damaged or cut off.
 */
export async function decompressGzip(bytes: Uint8Array, maxBytes: number): Promise<Buffer> {
  try {
    // zlib takes no limit of zero; one byte more is caught below.
    const expanded = await gunzipAsync(bytes, { maxOutputLength: Math.max(1, maxBytes) });
    if (expanded.length <= maxBytes) return expanded;
  } catch (cause) {
    if (!(cause instanceof RangeError)) {
      throw new DebshoalError('archive-malformed', 'not a whole, undamaged .gz', { cause });
    }
  }
  throw new DebshoalError('limit-exceeded', `a .gz expands to over ${maxBytes} bytes`);
}
