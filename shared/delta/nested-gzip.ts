import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { Deflate } from 'pako';

import { GZIP_ENVIRONMENT } from '../deb/compression.js';
import type { Recipe } from '../deb/recipe.js';
import { runTool } from '../io/run-tool.js';

export type GzipRecipe = Recipe & { kind: 'gzip' };

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

export interface NestedContent {
  readonly recipe: GzipRecipe;
  readonly content: Buffer;
}

/**
 * Compresses many small contents, in memory and in order; the bytes are those of `compress`. All
 * of one level go through one run of GNU gzip, in a temporary folder inside `parent`.
 */
export async function gzipMany(
  nested: readonly NestedContent[],
  parent: string,
): Promise<Buffer[]> {
  const results: Buffer[] = [];
  const gnu = new Map<number, number[]>();
  for (const [index, { recipe, content }] of nested.entries()) {
    if (recipe.encoder === 'zlib') results[index] = withHeader(recipe, zlibGzip(recipe, content));
    else gnu.set(recipe.level, [...(gnu.get(recipe.level) ?? []), index]);
  }
  for (const [level, indexes] of gnu) {
    const folder = await mkdtemp(join(parent, 'gzip-'));
    const paths = indexes.map((index) => join(folder, String(index)));
    await Promise.all(
      paths.map((path, i) => writeFile(path, nested[indexes[i] ?? 0]?.content ?? '')),
    );
    const options = { maxOutput: 0, env: GZIP_ENVIRONMENT };
    await runTool('gzip', ['-n', `-${level}`, '--', ...paths], options);
    for (const [i, index] of indexes.entries()) {
      const { recipe } = nested[index] ?? {};
      if (recipe) results[index] = withHeader(recipe, await readFile(`${paths[i] ?? ''}.gz`));
    }
    await rm(folder, { recursive: true });
  }
  return results;
}

/** Replaces the encoder's plain header by the recorded one. */
function withHeader(recipe: GzipRecipe, gz: Buffer): Buffer {
  return Buffer.concat([recipe.header, gz.subarray(PLAIN_HEADER_LENGTH)]);
}

/** Canonical zlib's bytes; Node's own zlib is Chromium's, which writes others. */
function zlibGzip(recipe: GzipRecipe, input: Buffer): Buffer {
  const deflate = new Deflate({ level: recipe.level, gzip: true, legacyHash: true });
  deflate.push(input, true);
  return Buffer.from(deflate.result);
}
