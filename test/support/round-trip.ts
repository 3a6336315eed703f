import { join } from 'node:path';

import { diffDebs, type DiffReport } from '../../generator/diff/diff-debs.js';
import { openOldDeb } from '../../shared/delta/old-deb.js';
import { rebuildDeb } from '../../shared/delta/rebuild.js';
import { hashFile } from '../../shared/io/hash.js';

/** Diffs two .debs, rebuilds the new one with the real encoders, and says whether it is the same. */
export async function roundTrip(
  oldPath: string,
  newPath: string,
  folder: string,
): Promise<DiffReport & { readonly isExact: boolean; readonly delta: string }> {
  const delta = join(folder, 'made.delta');
  const report = await diffDebs(oldPath, newPath, delta, { temporaryParent: folder });
  const old = await openOldDeb(oldPath, join(folder, 'old-image'));
  const rebuilt = join(folder, 'rebuilt.deb');
  try {
    await rebuildDeb(delta, old, rebuilt, { temporaryParent: folder });
  } finally {
    await old.close();
  }
  const [made, wanted] = await Promise.all([hashFile(rebuilt), hashFile(newPath)]);
  return { ...report, delta, isExact: made.sha256 === wanted.sha256 };
}
