import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { exists } from '../../shared/io/files.js';

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Folders of the npm packages that the compiled code in `folders` needs, theirs included: what it
 * imports, not what package.json lists, for a bench or a server may be in none of these folders.
 */
export async function runtimeModules(
  project: string,
  folders: readonly string[],
): Promise<readonly string[]> {
  const found = new Set<string>();
  const add = async (name: string, from: string): Promise<void> => {
    const folder = await resolveModule(name, from);
    if (folder === null || found.has(folder)) return;
    found.add(folder);
    const text = await readFile(join(folder, 'package.json'), 'utf8');
    const { dependencies, optionalDependencies } = JSON.parse(text) as Manifest;
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) {
      await add(needed, folder);
    }
  };
  for (const folder of folders) {
    for (const name of await importedPackages(folder)) await add(name, project);
  }
  return [...found].sort();
}

/** As Node does: the nearest node_modules. Null for an optional one that is not there. */
async function resolveModule(name: string, from: string): Promise<string | null> {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (await exists(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) return null;
  }
}

/** What tsc writes: `from 'name'`, `import('name')`. */
const IMPORT = /\b(?:from|import) ?\(?'((?:@[^/']+\/)?[^./'@:][^/':]*)[^':]*'/g;

async function importedPackages(folder: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const file of await readdir(folder, { recursive: true })) {
    if (!file.endsWith('.js')) continue;
    const text = await readFile(join(folder, file), 'utf8');
    for (const [, name = ''] of text.matchAll(IMPORT)) names.add(name);
  }
  return names;
}
