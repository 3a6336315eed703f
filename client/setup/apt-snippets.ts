import { lstat, mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { DebshoalError } from '../../shared/errors.js';
import { isMissing } from '../../shared/io/errno.js';

/**
 * Pieces of apt's configuration, below the root: ours, and the links by which apt reads them. apt
 * ignores a link that leads nowhere, so a package that is gone, however it went, cannot break apt.
 */
const SNIPPETS_FOLDER = 'usr/share/debshoal/apt.conf.d';
const APT_FOLDER = 'etc/apt/apt.conf.d';

/** `foreign`: something else has the name, which we leave alone. */
type SnippetState = 'linked' | 'missing' | 'foreign';

export interface Snippet {
  readonly name: string;
  readonly state: SnippetState;
}

/** The package's snippets; `io-failed` where it is not installed. */
export async function findSnippets(root: string): Promise<readonly Snippet[]> {
  const folder = join(root, SNIPPETS_FOLDER);
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new DebshoalError('io-failed', `there is no ${folder}`, {
      cause,
      hint: 'It comes with the Debian package of debshoal.',
    });
  });
  const states = names.sort().map(async (name) => ({ name, state: await stateOf(root, name) }));
  return Promise.all(states);
}

async function stateOf(root: string, name: string): Promise<SnippetState> {
  const path = join(root, APT_FOLDER, name);
  try {
    if (!(await lstat(path)).isSymbolicLink()) return 'foreign';
    return (await readlink(path)) === `/${SNIPPETS_FOLDER}/${name}` ? 'linked' : 'foreign';
  } catch (error) {
    if (isMissing(error)) return 'missing';
    throw error;
  }
}

/** Makes apt read a snippet that is `missing`. */
export async function linkSnippet(root: string, name: string): Promise<void> {
  await mkdir(join(root, APT_FOLDER), { recursive: true });
  await symlink(`/${SNIPPETS_FOLDER}/${name}`, join(root, APT_FOLDER, name));
}

/** Removes each link of ours, also those to snippets that only an earlier package had; their names. */
export async function unlinkSnippets(root: string): Promise<readonly string[]> {
  const folder = join(root, APT_FOLDER);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const removed: string[] = [];
  for (const entry of entries) {
    if (!entry.isSymbolicLink()) continue;
    const path = join(folder, entry.name);
    if (!(await readlink(path)).startsWith(`/${SNIPPETS_FOLDER}/`)) continue;
    await rm(path);
    removed.push(entry.name);
  }
  return removed.sort();
}
