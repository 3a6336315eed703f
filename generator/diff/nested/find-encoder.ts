import { deflatesTo } from '../../../shared/nested/deflate.js';
import type { DeflateEncoder } from '../../../shared/nested/nested-recipe.js';

/** A raw deflate stream whose encoder is looked for. */
export interface PackedStream {
  readonly content: Buffer;
  readonly packed: Buffer;
  readonly hintedLevel: number | null;
  readonly hintedWindowBits: number;
  /** .gz files are GNU gzip's, most others zlib's. */
  readonly format: 'gzip' | 'zip' | 'zlib' | 'png';
}

const LEVELS = [9, 6, 1, 8, 7, 5, 4, 3, 2];
const FILTERED = 1;
const MAX_RECENT = 3;

/** Tries the encoders that fitted last before others: the streams of a package have one writer. */
export class EncoderSearch {
  readonly #recent: DeflateEncoder[] = [];

  /** The encoder that makes exactly the bytes of `stream`; null: none does. */
  find(stream: PackedStream): DeflateEncoder | null {
    const tried = new Set<string>();
    for (const encoder of [...likeliest(stream), ...this.#recent, ...others(stream)]) {
      const key = JSON.stringify(encoder);
      if (tried.has(key)) continue;
      tried.add(key);
      if (!deflatesTo(stream.content, encoder, stream.packed)) continue;
      const at = this.#recent.findIndex((other) => JSON.stringify(other) === key);
      if (at >= 0) this.#recent.splice(at, 1);
      this.#recent.unshift(encoder);
      this.#recent.length = Math.min(this.#recent.length, MAX_RECENT);
      return encoder;
    }
    return null;
  }
}

function likeliest({ format, hintedLevel }: PackedStream): DeflateEncoder[] {
  return format === 'gzip' ? [{ by: 'gnu', level: hintedLevel ?? 6 }] : [];
}

function others({ hintedLevel, hintedWindowBits, format }: PackedStream): DeflateEncoder[] {
  const levels = [...LEVELS];
  if (hintedLevel !== null) levels.unshift(hintedLevel);
  // libpng filters rows, and tells zlib; its memory level is 9 in some programs. Old versions write
  // a header with a smaller window than they use.
  const strategies = format === 'png' ? [FILTERED, 0, 3, 2] : [0];
  const windows = [...new Set([hintedWindowBits, 15])];
  const zlib = [8, 9].flatMap((memLevel) =>
    windows.flatMap((windowBits) =>
      strategies.flatMap((strategy) =>
        levels.map((level) => ({ by: 'zlib', level, memLevel, strategy, windowBits }) as const),
      ),
    ),
  );
  if (format === 'zlib' || format === 'png') return zlib;
  return [...zlib, ...levels.map((level) => ({ by: 'gnu', level }) as const)];
}
