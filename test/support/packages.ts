import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildPackage } from '../../packaging/debian/build-package.js';
import { PROGRAMS } from '../../packaging/debian/programs.js';
import { runTool } from '../../shared/io/run-tool.js';

export const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

export interface BuiltPackages {
  /** Paths of .debs. */
  readonly client: string;
  readonly generator: string;
}

/** Builds the Debian packages as `npm run package` does, but does not compress them. */
export async function buildPackages(folder: string): Promise<BuiltPackages> {
  const args = [join(PROJECT, 'dist/packaging/cli.js'), '--out', folder, '--compression', 'none'];
  const { stdout } = await runTool(process.execPath, args, { maxOutput: 4096, cwd: PROJECT });
  const [client, generator] = stdout.toString().trim().split('\n');
  if (client === undefined || generator === undefined) throw new Error('not two packages');
  return { client, generator };
}

/** Only that of the client, not compressed; `project` may be a copy. */
export async function buildClientPackage(folder: string, project = PROJECT): Promise<string> {
  const program = PROGRAMS.find(({ side }) => side === 'client');
  if (program === undefined) throw new Error('no package of the client');
  return await buildPackage(program, { project, out: folder, compression: 'none' });
}

/** Writes `deb` again as its next version, with the same content. */
export async function nextVersion(deb: string, target: string): Promise<string> {
  const tree = `${target}.tree`;
  await runTool('dpkg-deb', ['-R', deb, tree], { maxOutput: 0 });
  const path = join(tree, 'DEBIAN/control');
  const control = await readFile(path, 'utf8');
  await writeFile(path, control.replace(/^Version: .*$/m, '$&.1'));
  const args = ['--root-owner-group', '-Znone', '--build', tree, target];
  await runTool('dpkg-deb', args, { maxOutput: 4096 });
  await rm(tree, { recursive: true });
  return target;
}
