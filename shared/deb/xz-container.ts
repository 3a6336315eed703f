import { DebshoalError } from '../errors.js';

/*
 * What an .xz file says of the encoder that wrote it; "The .xz File Format" 1.2.0, sections 2.1
 * (stream), 3.1 (block header), 4 (index). Only what a recipe needs: the check, the dictionary,
 * whether the block headers carry sizes (liblzma's threaded encoder writes them, the
 * single-threaded one does not), and the uncompressed size of the first of several blocks.
 */

export interface XzSettings {
  /** 0 none, 1 CRC32, 4 CRC64, 10 SHA-256. */
  readonly check: number;
  readonly dictionaryBytes: number;
  readonly blockHeadersHaveSizes: boolean;
  /** Uncompressed size of each block, in order. */
  readonly blockBytes: readonly number[];
}

export const XZ_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);
const FOOTER_MAGIC = 'YZ';
const STREAM_HEADER_LENGTH = 12;
const LZMA2_FILTER = 0x21;
const MAX_BLOCKS = 100_000;

/** Reads the settings of a whole .xz of one stream; `deb-unreproducible` for other shapes. */
export function readXzSettings(xz: Buffer): XzSettings {
  if (xz.length < 32 || !xz.subarray(0, 6).equals(XZ_MAGIC)) throw unknown('no .xz header');
  if (xz.toString('latin1', xz.length - 2) !== FOOTER_MAGIC) throw unknown('no .xz footer');
  const check = xz.readUInt8(7);
  const backwardSize = (xz.readUInt32LE(xz.length - 8) + 1) * 4;
  const indexStart = xz.length - STREAM_HEADER_LENGTH - backwardSize;
  if (indexStart < STREAM_HEADER_LENGTH) throw unknown('index larger than the file');
  const blockBytes = readIndex(xz, indexStart);
  if (blockBytes.length === 0) {
    return { check, dictionaryBytes: 0, blockHeadersHaveSizes: true, blockBytes };
  }
  return { check, blockBytes, ...readBlockHeader(xz) };
}

/** xz(1), `--block-size`: the threaded encoder's blocks are three dictionaries, at least 1 MiB. */
const DICTIONARIES_A_BLOCK = 3;
const MIN_BLOCK = 1 << 20;

/**
 * Uncompressed bytes a block that the threaded encoder was given, or its default where a single
 * block does not tell; null: the other encoder wrote it.
 */
export function encoderBlockBytes(settings: XzSettings): number | null {
  const { dictionaryBytes, blockHeadersHaveSizes, blockBytes } = settings;
  if (!blockHeadersHaveSizes) return null;
  const usual = Math.max(MIN_BLOCK, dictionaryBytes * DICTIONARIES_A_BLOCK);
  return blockBytes.length > 1 ? (blockBytes[0] ?? usual) : usual;
}

function readBlockHeader(
  xz: Buffer,
): Pick<XzSettings, 'dictionaryBytes' | 'blockHeadersHaveSizes'> {
  const flags = xz.readUInt8(STREAM_HEADER_LENGTH + 1);
  const hasSizes = (flags & 0xc0) === 0xc0;
  if ((flags & 0x03) !== 0) throw unknown('more than one filter');
  let at = STREAM_HEADER_LENGTH + 2;
  for (let sizes = (flags & 0x40 ? 1 : 0) + (flags & 0x80 ? 1 : 0); sizes > 0; sizes--) {
    at = readVarint(xz, at).next;
  }
  const filter = readVarint(xz, at);
  if (filter.value !== LZMA2_FILTER || xz[filter.next] !== 1) throw unknown('filter is not LZMA2');
  const bits = xz[filter.next + 1];
  if (bits === undefined || bits > 40) throw unknown('bad LZMA2 dictionary size');
  // Section 5.3.1: mantissa of one bit and an exponent.
  const dictionaryBytes =
    bits === 40 ? 0xffffffff : (2 | (bits & 1)) * 2 ** (bits / 2 + 11 - (bits % 2) / 2);
  return { dictionaryBytes, blockHeadersHaveSizes: hasSizes };
}

function readIndex(xz: Buffer, start: number): number[] {
  if (xz[start] !== 0) throw unknown('more than one stream or trailing data');
  const count = readVarint(xz, start + 1);
  if (count.value > MAX_BLOCKS) throw unknown('too many blocks');
  const sizes: number[] = [];
  let at = count.next;
  let packed = STREAM_HEADER_LENGTH;
  for (let i = 0; i < count.value; i++) {
    const unpadded = readVarint(xz, at);
    const uncompressed = readVarint(xz, unpadded.next);
    packed += Math.ceil(unpadded.value / 4) * 4;
    sizes.push(uncompressed.value);
    at = uncompressed.next;
  }
  // The blocks must fill the file up to the index: else several streams are concatenated.
  if (packed !== start) throw unknown('more than one stream');
  return sizes;
}

function readVarint(bytes: Buffer, at: number): { value: number; next: number } {
  let value = 0;
  for (let i = 0; i < 7; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: at + i + 1 };
  }
  throw unknown('bad number');
}

function unknown(what: string): DebshoalError {
  return new DebshoalError('deb-unreproducible', `.xz of a shape that no recipe writes: ${what}`);
}
