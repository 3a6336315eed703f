import { availableParallelism } from 'node:os';

import { compress as compressZstd } from 'zstd-napi';

import { xzEncoderMemory } from '../deb/recipe.js';
import { LIMITS } from '../limits.js';
import { deflate } from './deflate.js';
import { adlerTrailer, gzipTrailer } from './inflate.js';
import type { NestedRecipe, ZipRecipe } from './nested-recipe.js';
import { frameImageData } from './png.js';
import { encodeXz } from './xz-encoder.js';
import { readNeutralZip, restoreZip } from './zip.js';

/** Content, and how to pack it. */
export interface PackJob {
  readonly content: Buffer;
  readonly recipe: NestedRecipe;
}

/** `packMany`, or what gives the same bytes. */
export type PackMany = (jobs: readonly PackJob[]) => Promise<Buffer[]>;

/** Packed bytes, in order. */
export async function packMany(jobs: readonly PackJob[]): Promise<Buffer[]> {
  const results: Buffer[] = [];
  // xz is slow and works in threads of its own: as many at once as processors and memory allow.
  const memory = jobs.reduce((most, { recipe }) => Math.max(most, encoderMemory(recipe)), 1);
  const affordable = Math.max(1, Math.floor(LIMITS.encoderMemoryBytes / memory));
  const entries = jobs.entries();
  const work = async (): Promise<void> => {
    for (const [i, job] of entries) results[i] = await pack(job);
  };
  const workers = Math.min(availableParallelism(), affordable);
  await Promise.all(Array.from({ length: workers }, work));
  return results;
}

/** Only xz needs an amount that matters here. */
function encoderMemory(recipe: NestedRecipe): number {
  return recipe.kind === 'xz' ? xzEncoderMemory(recipe.dictionaryBytes, recipe.blockBytes) : 0;
}

function pack({ content, recipe }: PackJob): Buffer | Promise<Buffer> {
  switch (recipe.kind) {
    case 'deflate':
      return Buffer.concat([deflate(content, recipe.encoder), trailerOf(recipe, content)]);
    case 'png': {
      const header = Buffer.from([recipe.zlibHeader >> 8, recipe.zlibHeader & 0xff]);
      const data = [header, deflate(content, recipe.encoder), adlerTrailer(content)];
      return frameImageData(Buffer.concat(data), recipe.chunkBytes);
    }
    case 'zip':
      return packZip(content, recipe);
    case 'xz':
      return encodeXz(content, recipe);
    case 'zstd': {
      const { level, checksum, contentSize } = recipe;
      const flags = { checksumFlag: checksum, contentSizeFlag: contentSize };
      return compressZstd(content, { compressionLevel: level, ...flags });
    }
  }
}

function packZip(content: Buffer, recipe: ZipRecipe): Buffer {
  const isPacked = (entry: number): boolean => recipe.exceptions.get(entry) === null;
  const zip = readNeutralZip(content, isPacked);
  const packed = zip.entries.map(({ data, isDeflated }, i) =>
    isDeflated ? deflate(data, recipe.exceptions.get(i) ?? recipe.encoder) : data,
  );
  return restoreZip(zip, packed, isPacked);
}

function trailerOf(recipe: Extract<NestedRecipe, { kind: 'deflate' }>, content: Buffer): Buffer {
  switch (recipe.trailer) {
    case 'none':
      return Buffer.alloc(0);
    case 'adler32':
      return adlerTrailer(content);
    case 'gzip':
      return gzipTrailer(content);
  }
}
