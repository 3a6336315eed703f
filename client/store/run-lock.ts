import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { DebshoalError } from '../../shared/errors.js';
import { withFileLock } from '../../shared/io/file-lock.js';
import { CACHE_FOLDER } from './folders.js';

/**
 * Runs `use` with our cache folder below `root`, as the only run that changes anything there or in
 * what apt reads of ours. `io-failed` when the folder cannot be written or another run has it.
 */
export async function withRunLock<T>(
  root: string,
  use: (cacheFolder: string) => Promise<T>,
): Promise<T> {
  const folder = join(root, CACHE_FOLDER);
  try {
    await mkdir(folder, { recursive: true });
    // It may be there, made by root.
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new DebshoalError('io-failed', `cannot write to ${folder}`, {
      cause,
      hint: 'run it as root, as apt upgrade',
    });
  }
  return withFileLock(join(folder, 'lock'), () => use(folder));
}
