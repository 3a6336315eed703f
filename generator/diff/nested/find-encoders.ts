import { deflateMany } from '../../../shared/nested/deflate.js';
import type { DeflateEncoder } from '../../../shared/nested/nested-recipe.js';
import { zlibMakes } from '../../../shared/nested/zlib-deflate.js';

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
/** Larger contents are tried with the usual levels of GNU gzip only: each miss costs a run. */
const MAX_FOR_ALL_LEVELS = 1 << 20;
const FILTERED = 1;

/**
 * The encoder that makes exactly the bytes of each stream; null where none does. First GNU gzip's
 * likeliest level for all .gz together, then zlib one by one, then GNU gzip's other levels.
 */
export async function findEncoders(
  streams: readonly PackedStream[],
  folder: string,
): Promise<(DeflateEncoder | null)[]> {
  const found: (DeflateEncoder | null)[] = streams.map(() => null);
  const tryGnu = async (levelOf: (stream: PackedStream) => number | null): Promise<void> => {
    const tries = streams.flatMap((stream, i) => {
      const level = found[i] === null ? levelOf(stream) : null;
      return level === null ? [] : [{ i, stream, encoder: { by: 'gnu', level } as const }];
    });
    const jobs = tries.map(({ stream: { content }, encoder }) => ({ content, encoder }));
    const made = await deflateMany(jobs, folder);
    for (const [t, { i, stream, encoder }] of tries.entries()) {
      if (made[t]?.equals(stream.packed)) found[i] = encoder;
    }
  };
  await tryGnu(({ format, hintedLevel }) => (format === 'gzip' ? (hintedLevel ?? 6) : null));
  const guesses = new ZlibGuesses();
  for (const [i, stream] of streams.entries()) found[i] ??= guesses.find(stream);
  for (const [rank, level] of LEVELS.entries()) {
    await tryGnu(({ format, content, hintedLevel }) => {
      if (format === 'zlib' || format === 'png') return null;
      if (format === 'gzip' && level === (hintedLevel ?? 6)) return null;
      const isUsual = rank < 2 || level === hintedLevel;
      return isUsual || content.length <= MAX_FOR_ALL_LEVELS ? level : null;
    });
  }
  return found;
}

/** Settings of zlib, those that fitted last first: the streams of a package have one writer. */
class ZlibGuesses {
  readonly #recent: ZlibEncoder[] = [];

  find(stream: PackedStream): DeflateEncoder | null {
    const tried = new Set<string>();
    for (const encoder of [...this.#recent, ...candidates(stream)]) {
      const key = JSON.stringify(encoder);
      if (tried.has(key)) continue;
      tried.add(key);
      if (!zlibMakes(stream.content, encoder, stream.packed)) continue;
      const at = this.#recent.findIndex((other) => JSON.stringify(other) === key);
      if (at >= 0) this.#recent.splice(at, 1);
      this.#recent.unshift(encoder);
      this.#recent.length = Math.min(this.#recent.length, MAX_RECENT);
      return encoder;
    }
    return null;
  }
}

type ZlibEncoder = Extract<DeflateEncoder, { by: 'zlib' }>;
const MAX_RECENT = 3;

function candidates({ hintedLevel, hintedWindowBits, format }: PackedStream): ZlibEncoder[] {
  const levels = [...LEVELS];
  if (hintedLevel !== null) levels.unshift(hintedLevel);
  // libpng filters rows, and tells zlib; its memory level is 9 in some programs. Old versions write
  // a header with a smaller window than they use.
  const strategies = format === 'png' ? [FILTERED, 0, 3, 2] : [0];
  const windows = [...new Set([hintedWindowBits, 15])];
  return [8, 9].flatMap((memLevel) =>
    windows.flatMap((windowBits) =>
      strategies.flatMap((strategy) =>
        levels.map((level) => ({ by: 'zlib', level, memLevel, strategy, windowBits }) as const),
      ),
    ),
  );
}
