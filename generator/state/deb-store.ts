import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { exists } from '../../shared/io/files.js';
import { hashFile, type Sha256 } from '../../shared/io/hash.js';
import { linkOrCopy } from '../../shared/io/link-or-copy.js';

/*
 * store/ab/abcdef….deb: every package that we have seen, by its hash, so that pairs exist even when
 * the archive has dropped the old file. Hard links where the file system allows, else copies.
 */

export function storedDeb(home: string, hash: Sha256): string {
  return join(home, 'store', hash.slice(0, 2), `${hash}.deb`);
}

/**
 * Puts a .deb of the archive into the store, unless it is there. What is stored was read and has
 * that hash: an archive may list one file and hold another, while it is being synchronised.
 */
export async function storeDeb(
  home: string,
  hash: Sha256,
  archivePath: string,
): Promise<'stored' | 'missing' | 'different'> {
  const target = storedDeb(home, hash);
  if (await exists(target)) return 'stored';
  if (!(await exists(archivePath))) return 'missing';
  if ((await hashFile(archivePath)).sha256 !== hash) return 'different';
  return (await linkOrCopy(archivePath, target)) ? 'stored' : 'missing';
}

/** Removes everything from the store that is not in `keep`. Returns how many were removed. */
export async function pruneStore(home: string, keep: ReadonlySet<Sha256>): Promise<number> {
  let removed = 0;
  const store = join(home, 'store');
  for (const folder of await readdir(store)) {
    for (const name of await readdir(join(store, folder))) {
      if (keep.has(name.replace(/\.deb$/, ''))) continue;
      await rm(join(store, folder, name), { force: true });
      removed++;
    }
  }
  return removed;
}
