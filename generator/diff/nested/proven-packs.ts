import { sha256 } from '../../../shared/io/hash.js';
import type { NestedRecipe } from '../../../shared/nested/nested-recipe.js';
import { packMany, type PackJob } from '../../../shared/nested/pack.js';

/**
 * What recipes were seen to make of contents, in this process and with these encoders. Rebuilding
 * to prove a delta then need not run xz on 4,000 kernel modules a second time.
 */
export class ProvenPacks {
  readonly #packed = new Map<string, Buffer>();

  add(job: PackJob, packed: Buffer): void {
    this.#packed.set(keyOf(job), packed);
  }

  /** Like `packMany`. */
  async pack(jobs: readonly PackJob[]): Promise<Buffer[]> {
    const known = jobs.map((job) =>
      isSlow(job.recipe) ? this.#packed.get(keyOf(job)) : undefined,
    );
    const made = await packMany(jobs.filter((_, i) => known[i] === undefined));
    const left = made.values();
    return known.map((packed) => packed ?? left.next().value ?? Buffer.alloc(0));
  }
}

/** The others are made faster than looked up. */
function isSlow({ kind }: NestedRecipe): boolean {
  return kind === 'xz' || kind === 'zstd';
}

function keyOf({ content, recipe }: PackJob): string {
  return `${JSON.stringify(recipe)} ${sha256(content)}`;
}
