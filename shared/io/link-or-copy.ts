import { copyFile, link, mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

import { withCode } from '../errors.js';
import { isErrno } from './errno.js';
import { temporaryBeside, writeAtomically } from './files.js';

/**
 * Links `source` to `target`, or copies it across file systems, instead of what is there; false
 * when there is no source. Creates missing folders.
 */
export async function linkOrCopy(source: string, target: string): Promise<boolean> {
  await mkdir(dirname(target), { recursive: true });
  const temporary = temporaryBeside(target);
  try {
    await link(source, temporary);
    await rename(temporary, target);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    // EXDEV, EPERM (protected hard links), EMLINK: a copy serves as well.
    if (!isErrno(error, 'EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EACCES')) throw withCode(error);
  } finally {
    // rename(2) does nothing when both are the same file already.
    await rm(temporary, { force: true });
  }
  await writeAtomically(target, (path) => copyFile(source, path));
  return true;
}
