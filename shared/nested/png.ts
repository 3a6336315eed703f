import { crc32 } from 'node:zlib';

import { MAX_PNG_CHUNKS, MIN_PNG_CHUNK } from './nested-recipe.js';

/*
 * PNG (ISO/IEC 15948, section 5.3): chunks of length, type, data, CRC-32. The data of all IDAT
 * chunks together is one zlib stream, cut wherever the writer's buffer was full.
 */

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Length, type and CRC of a chunk. */
const CHUNK_FRAME = 12;
/** libpng's buffer. A picture in one smaller chunk may have been cut by it as well. */
const USUAL_CHUNK = 8192;
const UNCUT = 0x7fffffff;

export interface ImageData {
  /** From the first IDAT's length field to the last IDAT's CRC. */
  readonly start: number;
  readonly end: number;
  /** The zlib stream, put together. */
  readonly data: Buffer;
  /** As in PngRecipe. */
  readonly chunkBytes: readonly number[];
}

/** Finds the image data of a PNG; null for anything else. */
export function readImageData(bytes: Buffer): ImageData | null {
  if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) return null;
  const chunks: Buffer[] = [];
  let start = 0;
  let at = SIGNATURE.length;
  while (at + CHUNK_FRAME <= bytes.length) {
    const length = bytes.readUInt32BE(at);
    const end = at + CHUNK_FRAME + length;
    if (end > bytes.length) return null;
    const isData = bytes.toString('latin1', at + 4, at + 8) === 'IDAT';
    if (isData) {
      if (chunks.length === 0) start = at;
      chunks.push(bytes.subarray(at + 8, end - 4));
    } else if (chunks.length > 0) {
      break;
    }
    at = end;
  }
  if (chunks.length === 0) return null;
  const chunkBytes = shortestList(chunks.map((chunk) => chunk.length));
  if (chunkBytes.length > MAX_PNG_CHUNKS || chunkBytes.some((bytes) => bytes < MIN_PNG_CHUNK)) {
    return null;
  }
  return { start, end: at, data: Buffer.concat(chunks), chunkBytes };
}

/** Chunk lengths without those that repeat the last listed one. */
function shortestList(lengths: readonly number[]): number[] {
  const [only] = lengths;
  if (lengths.length === 1 && only !== undefined)
    return [only <= USUAL_CHUNK ? USUAL_CHUNK : UNCUT];
  const list = lengths.slice(0, -1);
  while (list.length > 1 && list.at(-1) === list.at(-2)) list.pop();
  return list;
}

/** The IDAT chunks of a zlib stream. */
export function frameImageData(data: Buffer, chunkBytes: readonly number[]): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < data.length; i++) {
    const bytes = chunkBytes[Math.min(i, chunkBytes.length - 1)] ?? UNCUT;
    const chunk = data.subarray(at, at + bytes);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(chunk.length);
    const type = Buffer.from('IDAT', 'latin1');
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32(chunk, crc32(type)));
    pieces.push(length, type, chunk, checksum);
    at += chunk.length;
  }
  return Buffer.concat(pieces);
}
