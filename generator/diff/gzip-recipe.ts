import type { Recipe } from '../../shared/deb/recipe.js';
import { gzipDataAt } from '../../shared/io/gzip.js';

type GzipRecipe = Recipe & { kind: 'gzip' };

/** Levels by how often packages use them: debhelper compresses with `gzip -9n`. */
const LEVELS = [9, 6, 1, 8, 7, 5, 4, 3, 2];
/** Larger contents are tried with the usual levels only: a miss costs a compression each. */
const MAX_FOR_ALL_LEVELS = 1 << 20;

/** The recipes that may have written a .gz, the likeliest first. */
export function gzipCandidates(gz: Buffer, contentLength: number): GzipRecipe[] {
  const headerLength = gzipDataAt(gz, 0);
  if (headerLength === null) return [];
  const header = Buffer.from(gz.subarray(0, headerLength));
  const levels = contentLength <= MAX_FOR_ALL_LEVELS ? LEVELS : LEVELS.slice(0, 2);
  return levels.flatMap((level) => [
    { kind: 'gzip', encoder: 'gnu', level, header },
    { kind: 'gzip', encoder: 'zlib', level, header },
  ]);
}
