import { DebshoalError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Fold, Unfolded } from './fold.js';
import { packMany, type PackMany } from './pack.js';

/** A fold whose inner folds are to be made first; its content is that of the unfolded file. */
interface Open {
  readonly fold: Fold;
  readonly content: Buffer;
  readonly inner: readonly Open[];
  packed: Buffer;
}

/**
 * Packs the streams of many files again, the exact inverse of unfolding. Works from the innermost
 * level out, all files at once, because xz packs several contents side by side. Fails with
 * `delta-damaged` when a fold does not fit or gives another length than it says.
 */
export async function foldMany(
  items: readonly Unfolded[],
  pack: PackMany = packMany,
): Promise<Buffer[]> {
  const levels: Open[][] = [];
  const files = items.map(({ content, folds }) => ({
    content,
    folds,
    opened: folds.map((fold) => open(fold, content, 0, levels)),
  }));
  for (const level of levels.toReversed()) {
    const jobs = level.map(({ fold, content, inner }) => ({
      content: replace(content, fold.inner, inner),
      recipe: fold.recipe,
    }));
    const packed = await pack(jobs);
    for (const [i, opened] of level.entries()) {
      const bytes = packed[i];
      if (bytes === undefined || bytes.length !== opened.fold.packedLength) {
        throw new DebshoalError('delta-damaged', 'a nested stream was packed to another length');
      }
      opened.packed = bytes;
    }
  }
  return files.map(({ content, folds, opened }) => replace(content, folds, opened));
}

function open(fold: Fold, parent: Buffer, depth: number, levels: Open[][]): Open {
  if (depth >= LIMITS.nestedDepth || fold.at + fold.length > parent.length) {
    throw new DebshoalError('delta-damaged', 'a fold lies outside its content');
  }
  const content = parent.subarray(fold.at, fold.at + fold.length);
  const inner = fold.inner.map((child) => open(child, content, depth + 1, levels));
  const opened = { fold, content, inner, packed: Buffer.alloc(0) };
  (levels[depth] ??= []).push(opened);
  return opened;
}

/** The content with the packed bytes in the places of its folds. */
function replace(content: Buffer, folds: readonly Fold[], opened: readonly Open[]): Buffer {
  if (folds.length === 0) return content;
  const pieces: Buffer[] = [];
  let at = 0;
  for (const [i, fold] of folds.entries()) {
    if (fold.at < at) throw new DebshoalError('delta-damaged', 'folds overlap');
    pieces.push(content.subarray(at, fold.at), opened[i]?.packed ?? Buffer.alloc(0));
    at = fold.at + fold.length;
  }
  pieces.push(content.subarray(at));
  const [first, ...others] = pieces.filter(({ length }) => length > 0);
  return first !== undefined && others.length === 0 ? first : Buffer.concat(pieces);
}
