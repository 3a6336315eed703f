import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Deflate } from 'pako';

import { GZIP_ENVIRONMENT } from '../deb/compression.js';
import { runTool } from '../io/run-tool.js';
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

type ZlibEncoder = Extract<DeflateEncoder, { by: 'zlib' }>;

/** Bytes that the encoder gets at once, so that a wrong guess is noticed early. */
const SLICE_BYTES = 64 * 1024;

function zlibDeflate(content: Buffer, encoder: ZlibEncoder): Buffer {
  const pieces: Uint8Array[] = [];
  zlibSlices(content, encoder, (piece) => {
    pieces.push(piece);
    return true;
  });
  return Buffer.concat(pieces);
}

/** Whether canonical zlib packs `content` into exactly `packed`. Stops where it differs. */
export function zlibMakes(content: Buffer, encoder: ZlibEncoder, packed: Buffer): boolean {
  let at = 0;
  const whole = zlibSlices(content, encoder, (piece) => {
    const same = packed.subarray(at, at + piece.length).equals(piece);
    at += piece.length;
    return same;
  });
  return whole && at === packed.length;
}

/** Canonical zlib's bytes; Node's own zlib is Chromium's, which writes others. */
function zlibSlices(
  content: Buffer,
  { level, memLevel, strategy, windowBits }: ZlibEncoder,
  take: (piece: Uint8Array) => boolean,
): boolean {
  const numbered = strategy as 0 | 1 | 2 | 3 | 4;
  const settings = { level, memLevel, strategy: numbered, windowBits };
  const deflate = new Deflate({ ...settings, raw: true, legacyHash: true });
  const state = { wanted: true };
  deflate.onData = (piece: Uint8Array): void => {
    state.wanted &&= take(piece);
  };
  for (let at = 0; state.wanted; at += SLICE_BYTES) {
    const isLast = at + SLICE_BYTES >= content.length;
    deflate.push(content.subarray(at, at + SLICE_BYTES), isLast);
    if (isLast) break;
  }
  return state.wanted;
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
