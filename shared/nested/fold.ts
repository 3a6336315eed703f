import type { NestedRecipe } from './nested-recipe.js';

/**
 * One packed stream that was replaced by its content. All positions are those of *unfolded* bytes,
 * so that a fold is read beside the content that it belongs to; `at` counts from the start of the
 * parent's content (of the file, or of the enclosing fold).
 */
export interface Fold {
  readonly at: number;
  /** Unfolded bytes, those of the inner folds included. */
  readonly length: number;
  /** Bytes of the stream as it lies in the parent, packed. */
  readonly packedLength: number;
  readonly recipe: NestedRecipe;
  /** In order, not overlapping, within `length`. */
  readonly inner: readonly Fold[];
}

/** A file whose packed streams were replaced by their contents. */
export interface Unfolded {
  readonly content: Buffer;
  /** In order, not overlapping. */
  readonly folds: readonly Fold[];
}

/** Length of the unfolded content of a file of `packedLength` bytes. */
export function unfoldedLength(packedLength: number, folds: readonly Fold[]): number {
  return folds.reduce((sum, fold) => sum + fold.length - fold.packedLength, packedLength);
}
