import { readdir, readFile, lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import { sha256 } from '../../shared/io/hash.js';

/**
 * Every file, link and folder below `root` except those whose path `isIgnored`: a line each, with
 * kind, mode, owner and content, so that two lists differ where the systems do.
 */
export async function listFiles(
  root: string,
  isIgnored: (path: string) => boolean,
): Promise<readonly string[]> {
  const lines: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const name of await readdir(join(root, folder))) {
      const path = join(folder, name);
      if (isIgnored(path)) continue;
      const file = join(root, path);
      const found = await lstat(file);
      const content = found.isFile()
        ? sha256(await readFile(file))
        : found.isSymbolicLink()
          ? await readlink(file)
          : '';
      const { mode, uid, gid } = found;
      lines.push(`${path} ${mode.toString(8)} ${uid}:${gid} ${content}`);
      if (found.isDirectory()) await walk(path);
    }
  };
  await walk('/');
  return lines.sort();
}
