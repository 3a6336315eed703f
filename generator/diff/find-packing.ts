import type { ExpandedDeb } from '../../shared/deb/expand-deb.js';
import { countCompression, type CompressionCounts } from './estimate-compression.js';
import { findRecipes, type FoundRecipes } from './find-recipe.js';

/**
 * How the members of a .deb are packed and what that takes: more than half of the work of a diff,
 * and the same whatever the old package is. Plain data, which can be sent to another process.
 */
export interface Packing extends FoundRecipes {
  /** For each member with a recipe. */
  readonly counts: readonly CompressionCounts[];
}

export async function findPacking(deb: ExpandedDeb): Promise<Packing> {
  const found = await findRecipes(deb);
  return { ...found, counts: await countCompression(deb, found.parts) };
}
