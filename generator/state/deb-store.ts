import { copyFile, link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { withCode } from '../../shared/errors.js';
import { writeAtomically } from '../../shared/io/files.js';
import type { Sha256 } from '../../shared/io/hash.js';

/*
 * store/ab/abcdef….deb: every package that we have seen, by its hash, so that pairs exist even when
 * the archive has dropped the old file. Hard links where the file system allows, else copies.
 */

export function storedDeb(home: string, hash: Sha256): string {
  return join(home, 'store', hash.slice(0, 2), `${hash}.deb`);
}

/** Puts a .deb of the archive into the store, unless it is there. Returns false if it is gone. */
export async function storeDeb(home: string, hash: Sha256, archivePath: string): Promise<boolean> {
  const target = storedDeb(home, hash);
  if (await exists(target)) return true;
  await mkdir(join(target, '..'), { recursive: true });
  return linkOrCopy(archivePath, target);
}

/** Links `source` to `target`, or copies it across file systems; false when there is no source. */
export async function linkOrCopy(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return true;
    if (isErrno(error, 'ENOENT')) return false;
    // EXDEV, EPERM (protected hard links), EMLINK: a copy serves as well.
    if (!isErrno(error, 'EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EACCES')) throw withCode(error);
  }
  await writeAtomically(target, (temporary) => copyFile(source, temporary));
  return true;
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

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
