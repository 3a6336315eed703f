import { areBlocksLong } from '../../../shared/deb/recipe.js';
import { encoderBlockBytes, readXzSettings } from '../../../shared/deb/xz-container.js';
import { DebshoalError } from '../../../shared/errors.js';
import type { NestedRecipe } from '../../../shared/nested/nested-recipe.js';
import { packMany } from '../../../shared/nested/pack.js';
import { zstdFlags } from '../../../shared/nested/zstd.js';

/** Levels by how often they are used: kernel modules 3, zstd(1)'s default 3, kernels 19 and 22. */
const ZSTD_LEVELS = [3, 19, 22, 9, 1, 6, 12, 15, 17, 18];
const XZ_PRESETS = [6, 9];
/** A second guess at larger contents costs more than it is worth. */
const MAX_GUESSED = 8 << 20;

/** The recipe that packs `content` into exactly `bytes`; null: none does. */
export async function findWholeRecipe(
  kind: 'xz' | 'zstd',
  bytes: Buffer,
  content: Buffer,
): Promise<NestedRecipe | null> {
  const candidates = kind === 'xz' ? xzCandidates(bytes) : zstdCandidates(bytes);
  const affordable = content.length <= MAX_GUESSED ? candidates : candidates.slice(0, 2);
  for (const recipe of affordable) {
    const [packed] = await packMany([{ content, recipe }]);
    if (packed?.equals(bytes)) return recipe;
  }
  return null;
}

function zstdCandidates(bytes: Buffer): NestedRecipe[] {
  return ZSTD_LEVELS.map((level) => ({ kind: 'zstd', level, ...zstdFlags(bytes) }));
}

function xzCandidates(bytes: Buffer): NestedRecipe[] {
  try {
    const found = readXzSettings(bytes);
    const { check, dictionaryBytes } = found;
    const blockBytes = encoderBlockBytes(found);
    if (!areBlocksLong(blockBytes, dictionaryBytes)) return [];
    const settings = { check, dictionaryBytes, blockBytes };
    return XZ_PRESETS.flatMap((preset) =>
      [false, true].map((extreme) => ({ kind: 'xz', preset, extreme, ...settings }) as const),
    );
  } catch (error) {
    if (error instanceof DebshoalError) return [];
    throw error;
  }
}
