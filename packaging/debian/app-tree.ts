import { copyFile, cp, mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { exists } from '../../shared/io/files.js';
import { runTool } from '../../shared/io/run-tool.js';
import { isNeeded } from './needed-files.js';
import { runtimeModules } from './runtime-modules.js';

export interface AppTree {
  /** Node and the add-ons: what needs libraries of the system. */
  readonly binaries: readonly string[];
  /** Folders of the npm packages, as they are in the project. */
  readonly modules: readonly string[];
}

/**
 * Puts Node itself and the compiled parts `shared` and `side`, with the npm packages that these
 * need, into `target`: `node` and `app/`. What was tested is what is shipped: nothing is downloaded
 * or compiled anew, and so no encoder differs from the one that the tests proved.
 */
export async function makeAppTree(
  project: string,
  side: 'client' | 'generator',
  target: string,
): Promise<AppTree> {
  const app = join(target, 'app');
  const parts = ['shared', side];
  const compiled = parts.map((part) => join(app, 'dist', part));
  for (const part of parts) {
    const sources = new Set(await readdir(join(project, part), { recursive: true }));
    // The compiler leaves what it made of sources that are gone.
    const isCurrent = (path: string): boolean => sources.has(path.replace(/\.js$/, '.ts'));
    await copyFiles(join(project, 'dist', part), join(app, 'dist', part), (path) =>
      path.endsWith('.js') ? isCurrent(path) : path.endsWith('.wasm'),
    );
  }
  const { name, version } = JSON.parse(
    await readFile(join(project, 'package.json'), 'utf8'),
  ) as Record<'name' | 'version', string>;
  await writeFile(
    join(app, 'package.json'),
    `${JSON.stringify({ name, version, type: 'module' })}\n`,
  );
  const modules = await runtimeModules(project, compiled);
  const copied: string[] = [];
  for (const module of modules) {
    const facts = {
      name: relative(join(project, 'node_modules'), module),
      isCompiled: await exists(join(module, 'build/Release')),
      platform: `${process.platform}-${process.arch}`,
    };
    const to = join(app, relative(project, module));
    copied.push(...(await copyFiles(module, to, (path) => isNeeded(path, facts))));
  }
  const node = join(target, 'node');
  await cp(await realpath(process.execPath), node);
  const binaries = [node, ...copied.filter((path) => path.endsWith('.node'))];
  // 13 MB of names and lines of node's 99; add-ons are linked by other names, which stay.
  await runTool('strip', ['--strip-unneeded', ...binaries], { maxOutput: 0 });
  return { binaries, modules };
}

/** Copies the files that are wanted, by their paths below `from`; returns where they are now. */
async function copyFiles(
  from: string,
  to: string,
  isWanted: (path: string) => boolean,
): Promise<readonly string[]> {
  // A dependency may be a link to a folder of ours.
  const folder = await realpath(from);
  const copied: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const source = join(entry.parentPath, entry.name);
    const path = relative(folder, source);
    if (!entry.isFile() || !isWanted(path)) continue;
    const target = join(to, path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(source, target);
    copied.push(target);
  }
  return copied;
}
