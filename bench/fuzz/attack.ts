import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openOldDeb } from '../../shared/delta/old-deb.js';
import { rebuildDeb } from '../../shared/delta/rebuild.js';
import { rememberMembers } from './known-members.js';
import { outcomeOf, type Outcome } from './outcome.js';

/** A package to rebuild from mutants of its deltas. */
export interface Target {
  readonly oldDeb: string;
  readonly newDeb: string;
  /** A path. */
  readonly delta: string;
  /** Paths of further deltas, which lend stretches to its mutants. */
  readonly others: readonly string[];
}

/** Rebuilds from one mutant after the other, in this process. */
export interface Attack {
  readonly run: (mutant: Buffer) => Promise<{ outcome: Outcome; detail: string }>;
  readonly close: () => Promise<void>;
}

/** `folder` must be empty, and nothing but the attack may use it. */
export async function openAttack(target: Target, folder: string): Promise<Attack> {
  const image = join(folder, 'image');
  const old = await openOldDeb(target.oldDeb, image);
  const wanted = await readFile(target.newDeb);
  const [delta, out] = [join(folder, 'mutant'), join(folder, 'out.deb')];
  const { compressMember, stopLearning } = rememberMembers();
  const rebuild = async (mutant: Buffer): Promise<{ outcome: Outcome; detail: string }> => {
    await writeFile(delta, mutant);
    try {
      await rebuildDeb(delta, old, out, { temporaryParent: folder, compressMember });
    } catch (error) {
      return outcomeOf(error);
    }
    const isExact = (await readFile(out)).equals(wanted);
    await rm(out);
    return { outcome: isExact ? 'exact' : 'wrong-bytes', detail: '' };
  };
  const first = await rebuild(await readFile(target.delta));
  if (first.outcome !== 'exact') throw new Error(`the true delta is ${first.outcome}`);
  stopLearning();
  return {
    async run(mutant) {
      const result = await rebuild(mutant);
      const left = (await readdir(folder)).filter((name) => name !== 'image' && name !== 'mutant');
      if (left.length === 0) return result;
      for (const name of left) await rm(join(folder, name), { recursive: true });
      return { outcome: 'left-behind', detail: `${left.join(', ')} after ${result.outcome}` };
    },
    close: () => old.close(),
  };
}
