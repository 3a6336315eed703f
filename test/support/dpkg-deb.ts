import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';

import type { DebStreams } from '../../bench/main-job/scratch-root.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { runTool } from '../../shared/io/run-tool.js';

const MAX_OUTPUT = 16 * 1024 * 1024;

/** The control file of a .deb, as Debian's own tool reads it. */
export async function controlOf(deb: string): Promise<string> {
  return (await runTool('dpkg-deb', ['-f', deb], { maxOutput: MAX_OUTPUT })).stdout.toString();
}

/** The two tars of a .deb, as Debian's own tool decompresses them. */
export function openDeb(deb: string): Promise<DebStreams> {
  const tar = (option: string): Readable => {
    const child = spawn('dpkg-deb', [option, deb], { stdio: ['ignore', 'pipe', 'ignore'] });
    // Node throws away what nobody has begun to read when a child exits, so reading begins here.
    const output = child.stdout.pipe(new PassThrough(), { end: false });
    // A stream that is not wanted ends its program too.
    output.on('close', () => child.stdout.destroy());
    child.on('error', (error) => output.destroy(error));
    child.on('close', (status) => {
      if (status === 0) output.end();
      else output.destroy(new Error(`dpkg-deb ${option} ${deb} exited ${String(status)}`));
    });
    return output;
  };
  return Promise.resolve({ control: tar('--ctrl-tarfile'), data: tar('--fsys-tarfile') });
}

/**
 * Builds a small .deb: `fields` are its control fields (Package, Version, Architecture, …), `files`
 * its content by path. Returns its path in `folder`.
 */
export async function buildDeb(
  folder: string,
  fields: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const control = { Maintainer: 'Nobody <nobody@example.invalid>', Description: 'test', ...fields };
  const lines = Object.entries(control).map(([name, value]) => `${name}: ${value}\n`);
  return await withTemporaryFolder(async (tree) => {
    const all = { '/DEBIAN/control': lines.join(''), ...files };
    for (const [path, content] of Object.entries(all)) {
      await mkdir(dirname(join(tree, path)), { recursive: true });
      await writeFile(join(tree, path), content);
    }
    // mkdtemp's 0700 would become the mode of the system's root folder.
    await runTool('chmod', ['-R', 'u=rwX,go=rX', tree], { maxOutput: 0 });
    const name = ['Package', 'Version', 'Architecture']
      .map((field) => fields[field] ?? '')
      .join('_');
    const deb = join(folder, `${name.replaceAll(':', '%3a')}.deb`);
    await runTool('dpkg-deb', ['--root-owner-group', '-b', tree, deb], { maxOutput: MAX_OUTPUT });
    return deb;
  });
}
