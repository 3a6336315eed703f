import { availableParallelism } from 'node:os';

import { compress as compressZstd } from 'zstd-napi';

import { xzEncoderMemory } from '../deb/recipe.js';
import { LIMITS } from '../limits.js';
import { deflateMany, type DeflateJob } from './deflate.js';
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
export type PackMany = (jobs: readonly PackJob[], folder: string) => Promise<Buffer[]>;

/** Packed bytes, in order. Temporary files lie in `folder`. */
export async function packMany(jobs: readonly PackJob[], folder: string): Promise<Buffer[]> {
  const deflates: DeflateJob[] = [];
  const finishers = jobs.map((job) => planJob(job, deflates));
  const packed = await deflateMany(deflates, folder);
  const results: Buffer[] = [];
  // xz is slow and works in threads of its own: as many at once as processors and memory allow.
  const memory = jobs.reduce((most, { recipe }) => Math.max(most, encoderMemory(recipe)), 1);
  const affordable = Math.max(1, Math.floor(LIMITS.encoderMemoryBytes / memory));
  const entries = finishers.entries();
  const work = async (): Promise<void> => {
    for (const [i, finish] of entries) results[i] = await finish(packed);
  };
  const workers = Math.min(availableParallelism(), affordable);
  await Promise.all(Array.from({ length: workers }, work));
  return results;
}

/** Only xz needs an amount that matters here. */
function encoderMemory(recipe: NestedRecipe): number {
  return recipe.kind === 'xz' ? xzEncoderMemory(recipe.dictionaryBytes, recipe.blockBytes) : 0;
}

/** Takes the deflate streams of all jobs; returns the packed bytes of its own. */
type Finisher = (deflated: readonly Buffer[]) => Buffer | Promise<Buffer>;

/** Adds the deflate streams that a job needs to `deflates`, where they are made all together. */
function planJob({ content, recipe }: PackJob, deflates: DeflateJob[]): Finisher {
  switch (recipe.kind) {
    case 'deflate': {
      const index = deflates.push({ content, encoder: recipe.encoder }) - 1;
      return (deflated) => Buffer.concat([at(deflated, index), trailerOf(recipe, content)]);
    }
    case 'png': {
      const index = deflates.push({ content, encoder: recipe.encoder }) - 1;
      const header = Buffer.from([recipe.zlibHeader >> 8, recipe.zlibHeader & 0xff]);
      return (deflated) => {
        const data = Buffer.concat([header, at(deflated, index), adlerTrailer(content)]);
        return frameImageData(data, recipe.chunkBytes);
      };
    }
    case 'zip':
      return planZip(content, recipe, deflates);
    case 'xz':
      return () => encodeXz(content, recipe);
    case 'zstd': {
      const { level, checksum, contentSize } = recipe;
      const flags = { checksumFlag: checksum, contentSizeFlag: contentSize };
      return () => compressZstd(content, { compressionLevel: level, ...flags });
    }
  }
}

function planZip(content: Buffer, recipe: ZipRecipe, deflates: DeflateJob[]): Finisher {
  const isPacked = (entry: number): boolean => recipe.exceptions.get(entry) === null;
  const zip = readNeutralZip(content, isPacked);
  const indexes = zip.entries.map(({ data, isDeflated }, i) => {
    const encoder = recipe.exceptions.get(i) ?? recipe.encoder;
    return isDeflated ? deflates.push({ content: data, encoder }) - 1 : null;
  });
  return (deflated) => {
    const packed = zip.entries.map(({ data }, i) => {
      const index = indexes[i] ?? null;
      return index === null ? data : at(deflated, index);
    });
    return restoreZip(zip, packed, isPacked);
  };
}

function at(deflated: readonly Buffer[], index: number): Buffer {
  const packed = deflated[index];
  if (packed === undefined) throw new Error('a deflate stream was not made');
  return packed;
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
