import { constants, open } from 'node:fs/promises';

import { CONTROL_SOURCES } from '../../shared/delta/delta.js';
import { fingerprintFileList, type OldPackage } from '../../shared/delta/old-package.js';
import { readExactly } from '../../shared/io/files.js';
import { openInstalledPackage } from './installed-package.js';

/** What identifies an installed package. */
export interface InstalledIdentity {
  readonly package: string;
  readonly architecture: string;
  readonly version: string;
}

/**
 * Serves the files of a package that is installed under `root` to a delta. Fails as
 * `openInstalledPackage` does.
 */
export async function openInstalledSource(
  root: string,
  identity: InstalledIdentity,
): Promise<OldPackage> {
  const { package: name, architecture, version } = identity;
  const installed = await openInstalledPackage(root, name, architecture, version);
  const listed = (member: 'control' | 'data', place: number): string =>
    (member === 'control' ? CONTROL_SOURCES[place] : installed.listedPaths[place]) ?? '';
  return {
    ...identity,
    fileList: fingerprintFileList(installed.listedPaths),
    async read(member, place, size) {
      const path = listed(member, place);
      const found =
        member === 'control' ? installed.controlFiles.get(path) : await installed.locate(path);
      return found === undefined || found === null ? null : readRegularFile(found, size);
    },
    describe: (member, place) => {
      const path = listed(member, place);
      return member === 'control' ? `control file ${path} of ${name}` : path;
    },
  };
}

/** Opens without following a link and without waiting for a FIFO that was put in its place. */
async function readRegularFile(path: string, size: number): Promise<Buffer | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => null);
  if (file === null) return null;
  try {
    const found = await file.stat();
    return found.isFile() && found.size === size ? await readExactly(file, 0, size) : null;
  } finally {
    await file.close();
  }
}
