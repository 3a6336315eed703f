import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { GZIP_ENVIRONMENT } from '../deb/compression.js';
import { runTool } from '../io/run-tool.js';
import { zlibDeflate } from './zlib-deflate.js';
import type { DeflateEncoder } from './nested-recipe.js';

/** Content to be packed into a raw deflate stream. */
export interface DeflateJob {
  readonly content: Buffer;
  readonly encoder: DeflateEncoder;
}

/** Raw deflate streams, in order; those by GNU gzip of one level in one run in `folder`. */
export async function deflateMany(jobs: readonly DeflateJob[], folder: string): Promise<Buffer[]> {
  const results: Buffer[] = [];
  const gnu = new Map<number, number[]>();
  for (const [i, { content, encoder }] of jobs.entries()) {
    if (encoder.by === 'zlib') results[i] = zlibDeflate(content, encoder);
    else gnu.set(encoder.level, [...(gnu.get(encoder.level) ?? []), i]);
  }
  for (const [level, indexes] of gnu) {
    const contents = indexes.map((i) => jobs[i]?.content ?? Buffer.alloc(0));
    const packed = await gnuDeflate(contents, level, folder);
    for (const [i, index] of indexes.entries()) results[index] = packed[i] ?? Buffer.alloc(0);
  }
  return results;
}

/** What `gzip -n` writes around the deflate stream. */
const GZIP_HEADER = 10;
const GZIP_TRAILER = 8;

/** One process for hundreds of contents: starting one for each took ten times as long. */
async function gnuDeflate(
  contents: readonly Buffer[],
  level: number,
  parent: string,
): Promise<Buffer[]> {
  const folder = await mkdtemp(join(parent, 'gzip-'));
  const names = contents.map((_content, i) => String(i));
  const results: Buffer[] = [];
  // By batches: the arguments of a process and the files that may be open at once are limited.
  for (let from = 0; from < names.length; from += BATCH_FILES) {
    const batch = names.slice(from, from + BATCH_FILES);
    await Promise.all(
      batch.map((name, i) => writeFile(join(folder, name), contents[from + i] ?? '')),
    );
    const options = { maxOutput: 0, env: GZIP_ENVIRONMENT, cwd: folder };
    await runTool('gzip', ['-n', `-${level}`, '--', ...batch], options);
    const packed = await Promise.all(batch.map((name) => readFile(join(folder, `${name}.gz`))));
    results.push(...packed.map((gz) => gz.subarray(GZIP_HEADER, gz.length - GZIP_TRAILER)));
    await Promise.all(batch.map((name) => rm(join(folder, `${name}.gz`))));
  }
  await rm(folder, { recursive: true });
  return results;
}

const BATCH_FILES = 500;
