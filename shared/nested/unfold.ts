import type { Fold, Unfolded } from './fold.js';
import type { DeflateEncoder, NestedRecipe } from './nested-recipe.js';
import { entryStreams, openNested } from './open-nested.js';
import type { NestedNode, NestedStream, ZipStream } from './tree.js';
import { DEFLATED, neutralizeZip } from './zip.js';

/**
 * An old file with its packed streams replaced by their contents, for matching only: no recipe is
 * needed. The same bytes on both sides. Never fails on content: what is damaged, too large or too
 * deep stays as it is.
 */
export async function unfoldOld(bytes: Uint8Array): Promise<Buffer> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return unfoldNode(await openNested(file), () => ANY_RECIPE).content;
}

const ANY_RECIPE: NestedRecipe = {
  kind: 'deflate',
  encoder: { by: 'gnu', level: 9 },
  trailer: 'none',
};

/** The recipe of a stream; null leaves it packed. For a zip: whether its neutral form is exact. */
export type RecipeOf = (stream: NestedStream) => NestedRecipe | null;

/** Replaces the streams that have a recipe by their contents. */
export function unfoldNode(node: NestedNode, recipeOf: RecipeOf): Unfolded {
  const { bytes, streams } = node;
  const assembly = new Assembly();
  let at = 0;
  for (const stream of streams) {
    const recipe = recipeOf(stream);
    if (recipe === null && stream.kind !== 'zip') continue;
    assembly.bytes(bytes.subarray(at, stream.start));
    at = stream.end;
    if (stream.kind === 'zip') {
      const zip = bytes.subarray(stream.start, stream.end);
      if (recipe !== null) {
        const { fold, content } = unfoldZip(zip, stream, recipeOf);
        assembly.fold(content, stream, fold.recipe, fold.inner);
      } else {
        const node = { bytes: zip, streams: entryStreams(stream.zip, stream.entries) };
        assembly.unfolded(unfoldNode(node, recipeOf));
      }
    } else if (recipe !== null) {
      const { content, folds } = unfoldNode(stream.node, recipeOf);
      assembly.fold(content, stream, recipe, folds);
    }
  }
  assembly.bytes(bytes.subarray(at));
  return assembly.finish();
}

function unfoldZip(
  bytes: Buffer,
  stream: ZipStream,
  recipeOf: RecipeOf,
): { content: Buffer; fold: Pick<Fold, 'recipe' | 'inner'> } {
  const { zip, entries } = stream;
  const encoders = zip.entries.map((_entry, i) => {
    const opened = entries[i] ?? null;
    const recipe = opened !== null && 'kind' in opened ? recipeOf(opened) : null;
    return recipe?.kind === 'deflate' ? recipe.encoder : null;
  });
  const isPacked = (i: number): boolean => {
    const entry = zip.entries[i];
    return entry === undefined || (entry.method === DEFLATED ? !encoders[i] : entry.method !== 0);
  };
  const neutral = neutralizeZip(bytes, zip, isPacked);
  const assembly = new Assembly();
  let at = 0;
  for (const [i, entry] of zip.entries.entries()) {
    const opened = entries[i] ?? null;
    if (opened === null || isPacked(i)) continue;
    assembly.bytes(neutral.subarray(at, entry.dataAt));
    const node = 'kind' in opened ? opened.node : opened;
    assembly.unfolded(unfoldNode(node, recipeOf));
    at = entry.dataAt + entry.packedLength;
  }
  assembly.bytes(neutral.subarray(at));
  const { content, folds } = assembly.finish();
  return { content, fold: { recipe: zipRecipe(zip.entries, encoders), inner: folds } };
}

/** The most frequent encoder, and the entries that differ from it. */
function zipRecipe(
  entries: readonly { readonly method: number }[],
  encoders: readonly (DeflateEncoder | null)[],
): NestedRecipe {
  const counts = new Map<string, { encoder: DeflateEncoder; count: number }>();
  for (const encoder of encoders) {
    if (encoder === null) continue;
    const key = JSON.stringify(encoder);
    counts.set(key, { encoder, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  const sorted = [...counts].sort(([, a], [, b]) => b.count - a.count);
  const [usualKey, usual] = sorted[0] ?? ['', undefined];
  const exceptions = new Map<number, DeflateEncoder | null>();
  for (const [i, { method }] of entries.entries()) {
    const encoder = encoders[i] ?? null;
    if (method !== 0 && JSON.stringify(encoder) !== usualKey) exceptions.set(i, encoder);
  }
  return { kind: 'zip', encoder: usual?.encoder ?? { by: 'gnu', level: 9 }, exceptions };
}

/** Content that grows, with its folds at their places. */
class Assembly {
  readonly #pieces: Buffer[] = [];
  readonly #folds: Fold[] = [];
  #length = 0;

  bytes(piece: Buffer): void {
    if (piece.length > 0) this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** Content that brings its folds along. */
  unfolded({ content, folds }: Unfolded): void {
    for (const fold of folds) this.#folds.push({ ...fold, at: fold.at + this.#length });
    this.bytes(content);
  }

  fold(
    content: Buffer,
    range: { readonly start: number; readonly end: number },
    recipe: NestedRecipe,
    inner: readonly Fold[],
  ): void {
    const packedLength = range.end - range.start;
    const at = this.#length;
    this.#folds.push({ at, length: content.length, packedLength, recipe, inner });
    this.bytes(content);
  }

  finish(): Unfolded {
    // Most entries of a zip have nothing in them, and the zip is the whole file.
    const [first, ...others] = this.#pieces;
    const isWhole = first !== undefined && others.length === 0;
    const content = isWhole ? first : Buffer.concat(this.#pieces, this.#length);
    return { content, folds: this.#folds };
  }
}
