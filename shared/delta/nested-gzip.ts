import { spawnSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';

import { Deflate } from 'pako';

import type { Recipe } from '../deb/recipe.js';
import { DebshoalError } from '../errors.js';

type GzipRecipe = Recipe & { kind: 'gzip' };

/** RFC 1952 section 2.3: the fixed part of a gzip header. */
export const PLAIN_HEADER_LENGTH = 10;

/** The content of a .gz of at most `maxLength` bytes; null when it is damaged or larger. */
export function openGzip(gz: Buffer, maxLength: number): Buffer | null {
  try {
    return gunzipSync(gz, { maxOutputLength: Math.max(1, maxLength) });
  } catch {
    return null;
  }
}

/** Compresses small contents at once, in memory. The bytes are those of `compress`. */
export function gzipAtOnce(recipe: GzipRecipe, content: Buffer): Buffer {
  const packed = recipe.encoder === 'gnu' ? gnuGzip(recipe, content) : zlibGzip(recipe, content);
  return Buffer.concat([recipe.header, packed.subarray(PLAIN_HEADER_LENGTH)]);
}

function gnuGzip(recipe: GzipRecipe, input: Buffer): Buffer {
  const { stdout, status, error } = spawnSync('gzip', ['-n', `-${recipe.level}`], {
    input,
    maxBuffer: input.length * 2 + 4096,
  });
  if (status !== 0) throw new DebshoalError('tool-failed', 'gzip failed', { cause: error });
  return stdout;
}

function zlibGzip(recipe: GzipRecipe, input: Buffer): Buffer {
  const deflate = new Deflate({ level: recipe.level as 1, gzip: true, legacyHash: true });
  deflate.push(input, true);
  return Buffer.from(deflate.result as Uint8Array);
}
