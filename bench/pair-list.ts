import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import { DebshoalError } from '../shared/errors.js';
import { readBounded } from '../shared/io/files.js';
import { FIXTURE_PAIRS_FOLDER } from './fixtures-folder.js';

/** Two versions of one package on disk; nothing says yet that the files are there or usable. */
export interface Pair {
  readonly name: string;
  readonly oldDeb: string;
  readonly newDeb: string;
}

/** --pairs of all commands that take pairs; what it names is for `listPairs`. */
export const PAIRS_OPTION = {
  type: 'string',
  default: FIXTURE_PAIRS_FOLDER,
  describe: 'folder of pairs NAME/{old,new}.deb, or a list of lines NAME, OLD, NEW with tabs',
} as const;

const MAX_LIST_BYTES = 1 << 20;

/**
 * The pairs of a folder (NAME/{old,new}.deb) or of a list with lines of three columns, name, old
 * .deb and new .deb, between tabs; paths count from the list's own folder.
 */
export async function listPairs(path: string): Promise<Pair[]> {
  return (await stat(path)).isDirectory() ? pairsOfFolder(path) : pairsOfList(path);
}

async function pairsOfFolder(folder: string): Promise<Pair[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => resolve(folder, name))
    .sort()
    .map((path) => ({
      name: basename(path),
      oldDeb: join(path, 'old.deb'),
      newDeb: join(path, 'new.deb'),
    }));
}

async function pairsOfList(path: string): Promise<Pair[]> {
  const text = (await readBounded(path, MAX_LIST_BYTES)).toString();
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line, index) => {
    const [name, oldDeb, newDeb, ...more] = line.split('\t');
    if (!name || !oldDeb || !newDeb || more.length > 0) {
      throw new DebshoalError('config-invalid', `entry ${index + 1} of ${path} is no pair`, {
        hint: 'a line is a name, the old .deb and the new .deb, with tabs between',
      });
    }
    const inFolder = (file: string): string => resolve(dirname(path), file);
    return { name, oldDeb: inFolder(oldDeb), newDeb: inFolder(newDeb) };
  });
}
