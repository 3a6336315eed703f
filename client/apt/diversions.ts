import { readBounded } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';

/**
 * Where the files of package `name` really are, from dpkg's list of diversions (`path` is
 * var/lib/dpkg/diversions): listed path → path on disk. Three lines each (dpkg's lib/dpkg/
 * db-fsys-divert.c): the contested path, where it goes, and the package that may keep the
 * contested path, or ':' for a local diversion, which moves the file of every package.
 */
export async function readDiversions(path: string, name: string): Promise<Map<string, string>> {
  const diverted = new Map<string, string>();
  const lines = (await readBounded(path, LIMITS.dpkgDiversionsBytes)).toString().split('\n');
  for (let at = 0; at + 2 < lines.length; at += 3) {
    const [contested = '', target = '', owner = ''] = lines.slice(at, at + 3);
    if (owner !== name) diverted.set(contested, target);
  }
  return diverted;
}
