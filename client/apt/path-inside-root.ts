import { lstatSync } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import { isMissing } from '../../shared/io/errno.js';

/** As the kernel's own limit (path_resolution(7)): more links in one path are a loop. */
const MAX_SYMLINKS = 40;

/**
 * Resolves paths as a process chrooted to `root` would see them: absolute links start at `root`
 * again and `..` stops there, so no link inside a foreign tree can name a file outside of it.
 */
export interface PathResolver {
  /**
   * The path on this machine, free of symlinks, of the folder `path` inside the root; null when
   * it is missing, loops or is no folder.
   */
  folder(path: string): Promise<string | null>;
  /** The same for what `path` names. Its last component is not followed: a link stays a link. */
  entry(path: string): Promise<string | null>;
  /** `entry`, when it is a regular file: reading a FIFO in its place would never end. */
  file(path: string): Promise<string | null>;
}

/** @param root an absolute path without symlinks */
export function pathResolver(root: string): PathResolver {
  // A package has thousands of files in a few folders.
  const known = new Map<string, Promise<string | null>>();

  const folder = (path: string): Promise<string | null> => {
    let found = known.get(path);
    if (found === undefined) {
      found = resolveFolder(root, path);
      known.set(path, found);
    }
    return found;
  };

  const entry = async (path: string): Promise<string | null> => {
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    if (path.includes('\0') || name === '' || name === '.' || name === '..') return null;
    const parent = await folder(path.slice(0, Math.max(slash, 0)));
    return parent === null ? null : join(parent, name);
  };

  const file = async (path: string): Promise<string | null> => {
    const found = await entry(path);
    if (found === null) return null;
    try {
      // At once: the thread pool would take ten times as long, and packages have thousands of files.
      return lstatSync(found).isFile() ? found : null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  };

  return { folder, entry, file };
}

async function resolveFolder(root: string, path: string): Promise<string | null> {
  if (path.includes('\0')) return null;
  const ahead = path.split('/').reverse();
  const resolved: string[] = [];
  let links = 0;
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      resolved.pop();
      continue;
    }
    const here = join(root, ...resolved, name);
    const target = await linkTarget(here);
    if (target === null) return null;
    if (target === FOLDER) {
      resolved.push(name);
      continue;
    }
    if (++links > MAX_SYMLINKS) return null;
    if (target.startsWith('/')) resolved.length = 0;
    ahead.push(...target.split('/').reverse());
  }
  return join(root, ...resolved);
}

/** Not a possible link target: those never hold a NUL. */
const FOLDER = '\0folder';

async function linkTarget(path: string): Promise<string | null> {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) return await readlink(path);
    return found.isDirectory() ? FOLDER : null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
