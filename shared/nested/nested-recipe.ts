import { areBlocksLong } from '../deb/recipe.js';
import { DebshoalError } from '../errors.js';
import type { ByteReader, ByteWriter } from '../io/byte-codec.js';

/**
 * How to make the packed bytes of a nested stream again, exactly, from its content. A closed set,
 * like the recipes of .deb members: encoders that we ship or that every Debian system has.
 */
export type NestedRecipe =
  | {
      /** A deflate stream. The header before it stays in the content, the checksum is made anew. */
      readonly kind: 'deflate';
      readonly encoder: DeflateEncoder;
      readonly trailer: DeflateTrailer;
    }
  | PngRecipe
  | ZipRecipe
  | {
      readonly kind: 'xz';
      readonly preset: number;
      readonly extreme: boolean;
      /** The check's number in the .xz format: 0, 1 (CRC32), 4 (CRC64), 10 (SHA-256). */
      readonly check: number;
      readonly dictionaryBytes: number;
      /** Uncompressed bytes a block of liblzma's threaded encoder; null: the other encoder. */
      readonly blockBytes: number | null;
    }
  | {
      readonly kind: 'zstd';
      readonly level: number;
      readonly checksum: boolean;
      /** Whether the frame says how long its content is. */
      readonly contentSize: boolean;
    };

/** Canonical zlib's deflate, or GNU gzip's: they write different bytes. */
export type DeflateEncoder =
  | {
      readonly by: 'zlib';
      /** 1 to 9. */
      readonly level: number;
      readonly memLevel: number;
      /** zlib's numbers: 0 default, 1 filtered, 2 Huffman only, 3 run lengths, 4 fixed codes. */
      readonly strategy: number;
      readonly windowBits: number;
    }
  | { readonly by: 'gnu'; readonly level: number };

/** None (a zip entry), zlib's Adler-32 (RFC 1950), or gzip's CRC-32 and length (RFC 1952). */
export type DeflateTrailer = 'none' | 'adler32' | 'gzip';

interface PngRecipe {
  /** The IDAT chunks of a PNG from the first length field to the last CRC: one zlib stream. */
  readonly kind: 'png';
  readonly encoder: DeflateEncoder;
  /** The two bytes before the deflate stream. */
  readonly zlibHeader: number;
  /** Data bytes of each chunk; the last of the list counts for all that follow. */
  readonly chunkBytes: readonly number[];
}

export interface ZipRecipe {
  /** A whole zip whose sizes, offsets and CRCs follow from its entries; see zip.ts. */
  readonly kind: 'zip';
  readonly encoder: DeflateEncoder;
  /** Compressed entries, by number, that another encoder wrote; null: left packed. */
  readonly exceptions: ReadonlyMap<number, DeflateEncoder | null>;
}

const TAGS = { raw: 0, zlib: 1, gzip: 2, png: 3, zip: 4, xz: 5, zstd: 6 } as const;
const TRAILER_TAGS = { none: TAGS.raw, adler32: TAGS.zlib, gzip: TAGS.gzip } as const;
const ENCODERS = { packed: 0, zlib: 1, gnu: 2 } as const;
const XZ_CHECKS = [0, 1, 4, 10];
export const MAX_PNG_CHUNKS = 65_536;
/** Each chunk has a frame of 12 bytes: shorter ones would make a giant of a small picture. */
export const MIN_PNG_CHUNK = 256;
/** The dictionary of `xz -9`, and more than its blocks of three dictionaries. */
const MAX_DICTIONARY = 64 << 20;
const MAX_BLOCK = 256 << 20;
const MAX_ENTRIES = 65_535;

export function encodeNestedRecipe(recipe: NestedRecipe, out: ByteWriter): void {
  switch (recipe.kind) {
    case 'deflate':
      out.byte(TRAILER_TAGS[recipe.trailer]);
      encodeEncoder(recipe.encoder, out);
      return;
    case 'png':
      out.byte(TAGS.png);
      encodeEncoder(recipe.encoder, out);
      out.varint(recipe.zlibHeader);
      out.varint(recipe.chunkBytes.length);
      for (const bytes of recipe.chunkBytes) out.varint(bytes);
      return;
    case 'zip': {
      out.byte(TAGS.zip);
      encodeEncoder(recipe.encoder, out);
      out.varint(recipe.exceptions.size);
      let last = -1;
      for (const [entry, encoder] of recipe.exceptions) {
        out.varint(entry - last - 1);
        encodeEncoder(encoder, out);
        last = entry;
      }
      return;
    }
    case 'xz':
      out.byte(TAGS.xz);
      out.byte(recipe.preset | (recipe.extreme ? 0x10 : 0) | (recipe.blockBytes ? 0x20 : 0));
      out.byte(recipe.check);
      out.varint(recipe.dictionaryBytes);
      if (recipe.blockBytes) out.varint(recipe.blockBytes);
      return;
    case 'zstd':
      out.byte(TAGS.zstd);
      out.byte(recipe.level);
      out.byte((recipe.checksum ? 1 : 0) | (recipe.contentSize ? 2 : 0));
      return;
  }
}

/** Reads what `encodeNestedRecipe` wrote; `delta-damaged` outside the closed set. */
export function decodeNestedRecipe(input: ByteReader): NestedRecipe {
  const tag = input.byte();
  switch (tag) {
    case TAGS.raw:
      return { kind: 'deflate', encoder: someEncoder(input), trailer: 'none' };
    case TAGS.zlib:
      return { kind: 'deflate', encoder: someEncoder(input), trailer: 'adler32' };
    case TAGS.gzip:
      return { kind: 'deflate', encoder: someEncoder(input), trailer: 'gzip' };
    case TAGS.png: {
      const encoder = someEncoder(input);
      const zlibHeader = input.varint(0xffff);
      const count = input.varint(Math.min(MAX_PNG_CHUNKS, input.remaining));
      const chunkBytes = Array.from({ length: count }, () => input.varint(0x7fffffff));
      requireValid(chunkBytes.length > 0 && Math.min(...chunkBytes) >= MIN_PNG_CHUNK);
      return { kind: 'png', encoder, zlibHeader, chunkBytes };
    }
    case TAGS.zip: {
      const encoder = someEncoder(input);
      const count = input.varint(Math.min(MAX_ENTRIES, input.remaining));
      const exceptions = new Map<number, DeflateEncoder | null>();
      let last = -1;
      for (let i = 0; i < count; i++) {
        last += 1 + input.varint(MAX_ENTRIES);
        exceptions.set(last, decodeEncoder(input));
      }
      return { kind: 'zip', encoder, exceptions };
    }
    case TAGS.xz: {
      const flags = input.byte();
      const check = input.byte();
      const dictionaryBytes = input.varint(MAX_DICTIONARY);
      const blockBytes = flags & 0x20 ? input.varint(MAX_BLOCK) : null;
      const preset = flags & 0x0f;
      requireValid(preset <= 9 && (flags & 0xc0) === 0 && XZ_CHECKS.includes(check));
      requireValid(dictionaryBytes >= 4096 && areBlocksLong(blockBytes, dictionaryBytes));
      const extreme = (flags & 0x10) !== 0;
      return { kind: 'xz', preset, extreme, check, dictionaryBytes, blockBytes };
    }
    case TAGS.zstd: {
      const level = input.byte();
      const flags = input.byte();
      requireValid(level >= 1 && level <= 22 && flags <= 3);
      return { kind: 'zstd', level, checksum: (flags & 1) !== 0, contentSize: (flags & 2) !== 0 };
    }
    default:
      throw new DebshoalError('delta-unsupported', `unknown nested recipe ${tag}`, {
        hint: 'the delta was made by a newer debshoal',
      });
  }
}

function encodeEncoder(encoder: DeflateEncoder | null, out: ByteWriter): void {
  if (encoder === null) {
    out.byte(ENCODERS.packed);
  } else if (encoder.by === 'gnu') {
    out.byte(ENCODERS.gnu | (encoder.level << 4));
  } else {
    out.byte(ENCODERS.zlib | (encoder.level << 4));
    out.byte(encoder.memLevel | (encoder.strategy << 4));
    out.byte(encoder.windowBits);
  }
}

function decodeEncoder(input: ByteReader): DeflateEncoder | null {
  const first = input.byte();
  if (first === ENCODERS.packed) return null;
  const level = first >> 4;
  requireValid(level >= 1 && level <= 9);
  if ((first & 0x0f) === ENCODERS.gnu) return { by: 'gnu', level };
  requireValid((first & 0x0f) === ENCODERS.zlib);
  const second = input.byte();
  const memLevel = second & 0x0f;
  const strategy = second >> 4;
  const windowBits = input.byte();
  requireValid(memLevel >= 1 && memLevel <= 9 && strategy <= 4);
  requireValid(windowBits >= 9 && windowBits <= 15);
  return { by: 'zlib', level, memLevel, strategy, windowBits };
}

function someEncoder(input: ByteReader): DeflateEncoder {
  const encoder = decodeEncoder(input);
  requireValid(encoder !== null);
  return encoder;
}

function requireValid(valid: boolean): asserts valid {
  if (!valid) throw new DebshoalError('delta-damaged', 'bad parameters in a nested recipe');
}
