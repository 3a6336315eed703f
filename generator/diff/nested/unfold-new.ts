import { availableParallelism } from 'node:os';

import { DebshoalError } from '../../../shared/errors.js';
import type { Unfolded } from '../../../shared/nested/fold.js';
import { openNested } from '../../../shared/nested/open-nested.js';
import type { NestedRecipe } from '../../../shared/nested/nested-recipe.js';
import { frameImageData } from '../../../shared/nested/png.js';
import { zlibHints } from '../../../shared/nested/scan-deflate.js';
import type { NestedNode, NestedStream, ZipStream } from '../../../shared/nested/tree.js';
import { unfoldNode } from '../../../shared/nested/unfold.js';
import {
  DEFLATED,
  neutralizeZip,
  readNeutralZip,
  restoreZip,
  STORED,
} from '../../../shared/nested/zip.js';
import { EncoderSearch } from './find-encoder.js';
import { findWholeRecipe } from './find-whole-recipe.js';
import { ProvenPacks } from './proven-packs.js';

/**
 * New files with their packed streams replaced by their contents, where a recipe gives exactly the
 * packed bytes back; the rest stays as it is. `foldMany` is the inverse. Many files at once, since
 * xz packs several contents side by side. `proven` gets what xz and zstd were seen to make.
 */
export async function unfoldNew(
  files: readonly Uint8Array[],
  proven = new ProvenPacks(),
): Promise<Unfolded[]> {
  const search = new RecipeSearch();
  const nodes: NestedNode[] = [];
  for (const bytes of files) {
    const node = await openNested(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    search.addNode(node);
    nodes.push(node);
  }
  const recipes = await search.run(proven);
  return nodes.map((node) => unfoldNode(node, (stream) => recipes.get(stream) ?? null));
}

/** Bytes around a raw deflate stream. */
const TRAILERS = { none: 0, adler32: 4, gzip: 8 } as const;
const ZLIB_HEADER = 2;

/** Of `xz -9`, each takes 0.7 GiB. */
const MAX_WORKERS = 4;

/** Looks for the recipes of deflate streams at once, and for those of slower ones side by side. */
class RecipeSearch {
  readonly #encoders = new EncoderSearch();
  readonly #whole: { bytes: Buffer; stream: Extract<NestedStream, { kind: 'xz' | 'zstd' }> }[] = [];
  readonly #recipes = new Map<NestedStream, NestedRecipe>();

  addNode({ bytes, streams }: NestedNode): void {
    for (const stream of streams) {
      this.#add(stream, bytes.subarray(stream.start, stream.end));
    }
  }

  async run(proven: ProvenPacks): Promise<ReadonlyMap<NestedStream, NestedRecipe>> {
    // xz works in threads of its own, and takes minutes for the modules of a kernel.
    const left = this.#whole.values();
    const work = async (): Promise<void> => {
      for (const { bytes, stream } of left) {
        const recipe = await findWholeRecipe(stream.kind, bytes, stream.node.bytes);
        if (recipe === null) continue;
        this.#recipes.set(stream, recipe);
        proven.add({ content: stream.node.bytes, recipe }, bytes);
      }
    };
    const workers = Math.min(availableParallelism(), MAX_WORKERS);
    await Promise.all(Array.from({ length: workers }, work));
    return this.#recipes;
  }

  #add(stream: NestedStream, bytes: Buffer): void {
    switch (stream.kind) {
      case 'deflate': {
        const { trailer, hintedLevel, hintedWindowBits, node } = stream;
        const packed = bytes.subarray(0, bytes.length - TRAILERS[trailer]);
        const format = trailer === 'gzip' ? 'gzip' : trailer === 'none' ? 'zip' : 'zlib';
        const hints = { hintedLevel, hintedWindowBits };
        const encoder = this.#encoders.find({ content: node.bytes, packed, ...hints, format });
        if (encoder !== null) this.#recipes.set(stream, { kind: 'deflate', encoder, trailer });
        this.addNode(node);
        return;
      }
      case 'png': {
        const { data, chunkBytes, node } = stream;
        if (!frameImageData(data, chunkBytes).equals(bytes)) return;
        const packed = data.subarray(ZLIB_HEADER, data.length - TRAILERS.adler32);
        const zlibHeader = data.readUInt16BE(0);
        const hints = zlibHints(data, 0);
        const png = { content: node.bytes, packed, ...hints, format: 'png' } as const;
        const encoder = this.#encoders.find(png);
        if (encoder === null) return;
        this.#recipes.set(stream, { kind: 'png', encoder, zlibHeader, chunkBytes });
        return;
      }
      case 'zip':
        for (const [i, entry] of stream.entries.entries()) {
          const range = stream.zip.entries[i];
          if (entry === null || range === undefined) continue;
          if ('kind' in entry) this.#add(entry, bytes.subarray(entry.start, entry.end));
          else this.addNode(entry);
        }
        if (isExactZip(bytes, stream)) this.#recipes.set(stream, ZIP);
        return;
      case 'xz':
      case 'zstd':
        this.#whole.push({ bytes, stream });
        this.addNode(stream.node);
        return;
    }
  }
}

/** Tells `unfoldNode` that the neutral form is exact; it finds the entries' encoders itself. */
const ZIP: NestedRecipe = {
  kind: 'zip',
  encoder: { by: 'gnu', level: 9 },
  exceptions: new Map(),
};

/** Whether the fields that the neutral form leaves out are what `restoreZip` puts there. */
function isExactZip(bytes: Buffer, { zip, entries }: ZipStream): boolean {
  const isPacked = (i: number): boolean => {
    const method = zip.entries[i]?.method;
    return method === DEFLATED ? entries[i] === null : method !== STORED;
  };
  const neutral = neutralizeZip(bytes, zip, isPacked);
  const pieces: Buffer[] = [];
  let at = 0;
  for (const [i, entry] of zip.entries.entries()) {
    const opened = entries[i] ?? null;
    if (opened === null || !('kind' in opened)) continue;
    pieces.push(neutral.subarray(at, entry.dataAt), opened.node.bytes);
    at = entry.dataAt + entry.packedLength;
  }
  pieces.push(neutral.subarray(at));
  try {
    const expanded = readNeutralZip(Buffer.concat(pieces), isPacked);
    const packed = zip.entries.map(({ dataAt, packedLength }) =>
      bytes.subarray(dataAt, dataAt + packedLength),
    );
    return restoreZip(expanded, packed, isPacked).equals(bytes);
  } catch (error) {
    if (error instanceof DebshoalError) return false;
    throw error;
  }
}
