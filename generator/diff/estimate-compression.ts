import { findTar, type ExpandedDeb } from '../../shared/deb/expand-deb.js';
import type { TargetPart } from '../../shared/delta/delta.js';
import type { Recipe } from '../../shared/deb/recipe.js';
import { countSearchSteps } from './count-search-steps.js';

/** What `xz -6` does with the tars; from it the other encoders are estimated. */
export interface CompressionCounts {
  readonly recipe: Recipe;
  readonly members: number;
  readonly tarBytes: number;
  readonly searchSteps: number;
}

/** Nanoseconds for one of each with xz -6, fitted over the corpus (`debshoal-bench predict`). */
const NANOSECONDS: Readonly<Record<Exclude<keyof CompressionCounts, 'recipe'>, number>> = {
  members: 5e6,
  tarBytes: 38,
  searchSteps: 62,
};

/** Time in that of xz -6, measured with systemd's tar: by presets, by levels, by highest level. */
const XZ_PRESETS: readonly number[] = [0.15, 0.29, 0.46, 0.7, 0.8, 0.92, 1, 1, 1, 1];
const XZ_EXTREME = 1.2;
const GZIP_LEVELS: readonly number[] = [0, 0.035, 0.04, 0.05, 0.06, 0.07, 0.09, 0.11, 0.2, 0.3];
const ZSTD_LEVELS: readonly (readonly [highest: number, time: number])[] = [
  [3, 0.01],
  [6, 0.03],
  [10, 0.06],
  [13, 0.25],
  [16, 0.57],
  [22, 0.95],
];

/** Milliseconds, rounded, that compressing the tars takes on one core of the reference machine. */
export function estimateCompression(counts: readonly CompressionCounts[]): number {
  const milliseconds = counts.map(({ recipe, members, tarBytes, searchSteps }) => {
    const nanoseconds =
      members * NANOSECONDS.members +
      tarBytes * NANOSECONDS.tarBytes +
      searchSteps * NANOSECONDS.searchSteps;
    return (nanoseconds / 1e6) * timeOf(recipe);
  });
  return Math.round(milliseconds.reduce((a, b) => a + b, 0));
}

/** Counts for each member; `made` are the parts of the delta. */
export async function countCompression(
  { parts, imagePath }: ExpandedDeb,
  made: readonly TargetPart[],
) {
  const counts: CompressionCounts[] = [];
  for (const part of made) {
    if (part.kind !== 'member' || part.recipe === null) continue;
    const { recipe } = part;
    const { imageOffset: at, length } = findTar(parts, part.name);
    const searchSteps = await countSearchSteps({ path: imagePath, at, length });
    counts.push({ recipe, members: 1, tarBytes: length, searchSteps });
  }
  return counts;
}

function timeOf(recipe: Recipe): number {
  switch (recipe.kind) {
    case 'stored':
      return 0;
    case 'xz':
      return (XZ_PRESETS[recipe.preset] ?? 1) * (recipe.extreme ? XZ_EXTREME : 1);
    case 'gzip':
      return GZIP_LEVELS[recipe.level] ?? 0;
    case 'zstd':
      return ZSTD_LEVELS.find(([highest]) => recipe.level <= highest)?.[1] ?? 1;
  }
}
