import { PLAIN_GZIP_HEADER } from '../../shared/deb/compression.js';
import type { Recipe } from '../../shared/deb/recipe.js';

type GzipRecipe = Recipe & { kind: 'gzip' };

/** Levels by how often packages use them: debhelper compresses with `gzip -9n`. */
const LEVELS = [9, 6, 1, 8, 7, 5, 4, 3, 2];
/** Larger contents are tried with the usual levels only: a miss costs a compression each. */
const MAX_FOR_ALL_LEVELS = 1 << 20;

/** Length of the gzip header at the start of `gz` (RFC 1952 section 2.3); null when there is none. */
function gzipHeaderLength(gz: Buffer): number | null {
  if (gz.length < 18 || gz.readUInt16BE(0) !== 0x1f8b || gz[2] !== 8) return null;
  const flags = gz.readUInt8(3);
  let at = PLAIN_GZIP_HEADER;
  if (flags & 0x04) at += 2 + gz.readUInt16LE(at);
  for (const hasText of [flags & 0x08, flags & 0x10]) {
    if (hasText) at = gz.indexOf(0, at) + 1;
    if (at === 0) return null;
  }
  if (flags & 0x02) at += 2;
  return at < gz.length ? at : null;
}

/** The recipes that may have written a .gz, the likeliest first. */
export function gzipCandidates(gz: Buffer, contentLength: number): GzipRecipe[] {
  const headerLength = gzipHeaderLength(gz);
  if (headerLength === null) return [];
  const header = Buffer.from(gz.subarray(0, headerLength));
  const levels = contentLength <= MAX_FOR_ALL_LEVELS ? LEVELS : LEVELS.slice(0, 2);
  return levels.flatMap((level) => [
    { kind: 'gzip', encoder: 'gnu', level, header },
    { kind: 'gzip', encoder: 'zlib', level, header },
  ]);
}
