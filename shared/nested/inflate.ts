import { crc32, inflateRawSync, inflateSync } from 'node:zlib';

import { GZIP_TRAILER } from '../io/gzip.js';

/** A stream that was opened, and where its packed bytes end. */
export interface Inflated {
  readonly content: Buffer;
  readonly end: number;
}

export type InflateResult = Inflated | 'too-large' | 'damaged';

/** Node's `info: true` adds the engine, which knows how much input it took; not in its types. */
interface WithEngine {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** A raw deflate stream that starts at `at`, followed by anything. */
export function inflateRaw(bytes: Buffer, at: number, maxLength: number): InflateResult {
  return bounded(inflateRawSync, bytes, at, maxLength);
}

/** A zlib stream (RFC 1950) that starts at `at`; its Adler-32 is checked. */
export function inflateZlib(bytes: Buffer, at: number, maxLength: number): InflateResult {
  return bounded(inflateSync, bytes, at, maxLength);
}

function bounded(
  inflate: typeof inflateSync,
  bytes: Buffer,
  at: number,
  maxLength: number,
): InflateResult {
  try {
    const options = { maxOutputLength: Math.max(1, maxLength), info: true };
    const { buffer, engine } = inflate(bytes.subarray(at), options) as unknown as WithEngine;
    return { content: buffer, end: at + engine.bytesWritten };
  } catch (error) {
    return error instanceof RangeError ? 'too-large' : 'damaged';
  }
}

/** A deflate stream with gzip's trailer, whose CRC and length are checked. */
export function inflateGzip(bytes: Buffer, dataAt: number, maxLength: number): InflateResult {
  const result = inflateRaw(bytes, dataAt, maxLength);
  if (typeof result === 'string') return result;
  const trailer = gzipTrailer(result.content);
  const end = result.end + GZIP_TRAILER;
  if (!bytes.subarray(result.end, end).equals(trailer)) return 'damaged';
  return { content: result.content, end };
}

export function gzipTrailer(content: Buffer): Buffer {
  const trailer = Buffer.alloc(GZIP_TRAILER);
  trailer.writeUInt32LE(crc32(content));
  trailer.writeUInt32LE(content.length % 2 ** 32, 4);
  return trailer;
}

/** RFC 1950 section 8.2, big-endian as it ends a zlib stream. */
export function adlerTrailer(content: Buffer): Buffer {
  let low = 1;
  let high = 0;
  // As many bytes as fit before the sums pass 2^32.
  for (let at = 0; at < content.length;) {
    const end = Math.min(content.length, at + 5552);
    for (; at < end; at++) {
      low += content[at] ?? 0;
      high += low;
    }
    low %= 65521;
    high %= 65521;
  }
  const trailer = Buffer.alloc(4);
  trailer.writeUInt32BE(high * 65536 + low);
  return trailer;
}
