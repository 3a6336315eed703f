import { DebshoalError } from '../errors.js';
import type { ByteReader, ByteWriter } from '../io/byte-codec.js';

/**
 * How to make the compressed bytes of a .deb member (or of a .gz inside a package) again, exactly.
 * A closed set: a recipe names an encoder that we ship or that every Debian system has, and its
 * parameters, never a command.
 */
export type Recipe =
  | { readonly kind: 'stored' }
  | {
      readonly kind: 'xz';
      readonly preset: number;
      readonly extreme: boolean;
      /** The check's number in the .xz format: 0, 1 (CRC32), 4 (CRC64), 10 (SHA-256). */
      readonly check: number;
      /** Uncompressed bytes a block of liblzma's threaded encoder; null: the other encoder. */
      readonly blockBytes: number | null;
    }
  | {
      /** `gnu`: GNU gzip, Essential in Debian; `zlib`: canonical zlib. They differ in bytes. */
      readonly kind: 'gzip';
      readonly encoder: 'gnu' | 'zlib';
      readonly level: number;
      /** The gzip header (RFC 1952 section 2.3) verbatim. */
      readonly header: Uint8Array;
    }
  | {
      readonly kind: 'zstd';
      readonly level: number;
      readonly checksum: boolean;
      /** Whether the multi-threaded encoder wrote it (its number of threads does not matter). */
      readonly threaded: boolean;
    };

const TAGS = { stored: 0, xz: 1, gnuGzip: 2, zlibGzip: 3, zstd: 4 } as const;
const MAX_GZIP_HEADER = 64 * 1024;
const XZ_CHECKS = [0, 1, 4, 10];

export function encodeRecipe(recipe: Recipe, out: ByteWriter): void {
  switch (recipe.kind) {
    case 'stored':
      out.byte(TAGS.stored);
      return;
    case 'xz':
      out.byte(TAGS.xz);
      out.byte(recipe.preset | (recipe.extreme ? 0x10 : 0) | (recipe.blockBytes ? 0x20 : 0));
      out.byte(recipe.check);
      if (recipe.blockBytes) out.varint(recipe.blockBytes);
      return;
    case 'gzip':
      out.byte(recipe.encoder === 'gnu' ? TAGS.gnuGzip : TAGS.zlibGzip);
      out.byte(recipe.level);
      out.block(recipe.header);
      return;
    case 'zstd':
      out.byte(TAGS.zstd);
      out.byte(recipe.level);
      out.byte((recipe.checksum ? 1 : 0) | (recipe.threaded ? 2 : 0));
      return;
  }
}

/** Reads what `encodeRecipe` wrote; `delta-damaged` for anything outside the closed set. */
export function decodeRecipe(input: ByteReader): Recipe {
  const tag = input.byte();
  switch (tag) {
    case TAGS.stored:
      return { kind: 'stored' };
    case TAGS.xz: {
      const flags = input.byte();
      const check = input.byte();
      const blockBytes = flags & 0x20 ? input.varint(2 ** 40) : null;
      const preset = flags & 0x0f;
      require(preset <= 9 && (flags & 0xc0) === 0 && XZ_CHECKS.includes(check));
      require(areBlocksLong(blockBytes, XZ_PRESET_DICTIONARY[preset] ?? 0));
      return { kind: 'xz', preset, extreme: (flags & 0x10) !== 0, check, blockBytes };
    }
    case TAGS.gnuGzip:
    case TAGS.zlibGzip: {
      const level = input.byte();
      const header = input.block(MAX_GZIP_HEADER);
      require(level >= 1 && level <= 9 && header.length >= 10);
      return { kind: 'gzip', encoder: tag === TAGS.gnuGzip ? 'gnu' : 'zlib', level, header };
    }
    case TAGS.zstd: {
      const level = input.byte();
      const flags = input.byte();
      require(level >= 1 && level <= 22 && flags <= 3);
      return { kind: 'zstd', level, checksum: (flags & 1) !== 0, threaded: (flags & 2) !== 0 };
    }
    default:
      throw new DebshoalError('delta-unsupported', `unknown recipe ${tag}`, {
        hint: 'the delta was made by a newer debshoal',
      });
  }
}

function require(valid: boolean): asserts valid {
  if (!valid) throw new DebshoalError('delta-damaged', 'bad parameters in a recipe');
}

/** One line for people, e.g. `xz -6, blocks of 24 MiB`. */
export function describeRecipe(recipe: Recipe): string {
  switch (recipe.kind) {
    case 'stored':
      return 'stored';
    case 'xz': {
      const blocks =
        recipe.blockBytes === null
          ? 'single-threaded encoder'
          : `blocks of ${recipe.blockBytes / 2 ** 20} MiB`;
      return `xz -${recipe.preset}${recipe.extreme ? 'e' : ''}, ${blocks}`;
    }
    case 'gzip':
      return `${recipe.encoder === 'gnu' ? 'GNU gzip' : 'zlib'} -${recipe.level}`;
    case 'zstd':
      return `zstd -${recipe.level}${recipe.threaded ? ' -T' : ''}`;
  }
}

const MIB = 2 ** 20;
/** liblzma's dictionary size of each preset (xz(1), section "Presets"). */
export const XZ_PRESET_DICTIONARY: readonly number[] = [0.25, 1, 2, 4, 4, 8, 8, 16, 32, 64].map(
  (mib) => mib * MIB,
);

const MIN_XZ_BLOCK = 64 * 1024;
const MOST_BLOCKS_A_DICTIONARY = 8;

/**
 * Whether xz may be asked for such blocks: it clears tables of the size of its dictionary before each,
 * so that those of one byte, which no package has, would take half a millisecond for that byte. Null:
 * no blocks.
 */
export function areBlocksLong(blockBytes: number | null, dictionaryBytes: number): boolean {
  const shortest = Math.max(MIN_XZ_BLOCK, dictionaryBytes / MOST_BLOCKS_A_DICTIONARY);
  return blockBytes === null || blockBytes >= shortest;
}

/**
 * Memory that an xz encoder needs with one thread, in bytes: xz(1) gives 11.5 dictionaries; the
 * threaded encoder (`blockBytes` is not null) holds a block's input and output besides.
 */
export function xzEncoderMemory(dictionaryBytes: number, blockBytes: number | null): number {
  return Math.ceil(dictionaryBytes * 11.75) + 2 * (blockBytes ?? 0);
}

/** Memory that the encoder of a recipe needs with one thread, in bytes. */
export function encoderMemory(recipe: Recipe): number {
  switch (recipe.kind) {
    case 'stored':
      return 0;
    case 'xz':
      return xzEncoderMemory(XZ_PRESET_DICTIONARY[recipe.preset] ?? 0, recipe.blockBytes);
    case 'gzip':
      return MIB;
    case 'zstd':
      return (recipe.level >= 20 ? 1024 : 128) * MIB;
  }
}
