import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { withTemporaryFolder } from '../../shared/io/files.js';
import { runTool } from '../../shared/io/run-tool.js';

/** The Debian packages, with least versions, of the libraries that programs are linked with. */
export function libraryDependencies(binaries: readonly string[]): Promise<readonly string[]> {
  return withTemporaryFolder(async (folder) => {
    // dpkg-shlibdeps works in a source package alone; it only looks whether that is there.
    await mkdir(join(folder, 'debian'));
    await writeFile(
      join(folder, 'debian/control'),
      'Source: debshoal\n\nPackage: debshoal\nArchitecture: any\n',
    );
    // Add-ons take node's own functions from node, which is no library that it could find.
    const args = [
      '-O',
      '--warnings=0',
      '--ignore-missing-info',
      ...binaries.map((path) => `-e${path}`),
    ];
    const { stdout } = await runTool('dpkg-shlibdeps', args, { maxOutput: 65_536, cwd: folder });
    const list = /^shlibs:Depends=(.*)$/m.exec(stdout.toString())?.[1] ?? '';
    return list.split(', ').filter((name) => name !== '');
  });
}
