import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { gzipEnvironment } from '../deb/compression.js';
import { GZIP_TRAILER, PLAIN_GZIP_HEADER } from '../io/gzip.js';
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
    else {
      const indexes = gnu.get(encoder.level);
      if (indexes === undefined) gnu.set(encoder.level, [i]);
      else indexes.push(i);
    }
  }
  for (const [level, indexes] of gnu) {
    const contents = indexes.map((i) => jobs[i]?.content ?? Buffer.alloc(0));
    const packed = await gnuDeflate(contents, level, folder);
    for (const [i, index] of indexes.entries()) results[index] = packed[i] ?? Buffer.alloc(0);
  }
  return results;
}

/** Arguments of one process: each is a file that is held open, and a name of a few bytes. */
const BATCH_FILES = 500;

/** One process for hundreds of contents, since starting one for each took ten times as long. */
async function gnuDeflate(
  contents: readonly Buffer[],
  level: number,
  parent: string,
): Promise<Buffer[]> {
  const folder = await mkdtemp(join(parent, 'gzip-'));
  const results: Buffer[] = [];
  const processes = availableParallelism();
  const batchFiles = Math.min(BATCH_FILES, Math.ceil(contents.length / processes));
  const starts = Array.from(contents.keys())
    .filter((i) => i % batchFiles === 0)
    .values();
  const work = async (): Promise<void> => {
    for (const start of starts) {
      const batch = contents.slice(start, start + batchFiles);
      for (const [i, gz] of (await gzipFiles(batch, start, level, folder)).entries()) {
        results[start + i] = gz.subarray(PLAIN_GZIP_HEADER, gz.length - GZIP_TRAILER);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: processes }, work));
  } finally {
    await rm(folder, { recursive: true });
  }
  return results;
}

async function gzipFiles(
  contents: readonly Buffer[],
  firstNumber: number,
  level: number,
  folder: string,
): Promise<Buffer[]> {
  const names = contents.map((_content, i) => String(firstNumber + i));
  // At once: the thread pool would cost more than these small files do.
  for (const [i, name] of names.entries()) writeFileSync(join(folder, name), contents[i] ?? '');
  const options = { maxOutput: 0, env: gzipEnvironment(), cwd: folder };
  await runTool('gzip', ['-n', `-${level}`, '--', ...names], options);
  return names.map((name) => readFileSync(join(folder, `${name}.gz`)));
}
