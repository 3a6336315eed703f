import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';

import { CONTROL_SOURCES, type SourceFile } from '../../shared/delta/delta.js';
import type { OldPackage } from '../../shared/delta/old-package.js';
import { readExactlySync } from '../../shared/io/files.js';
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
  const listed = ({ member, place }: SourceFile): string =>
    (member === 'control' ? CONTROL_SOURCES[place] : installed.listedPaths[place]) ?? '';
  const locate = async (file: SourceFile): Promise<string | null> =>
    file.member === 'control'
      ? (installed.controlFiles.get(listed(file)) ?? null)
      : await installed.locate(listed(file));
  return {
    ...identity,
    listedPaths: installed.listedPaths,
    async size(file) {
      const path = await locate(file);
      return path === null ? null : sizeOfRegularFile(path);
    },
    async read(file, size) {
      const path = await locate(file);
      return path === null ? null : readRegularFile(path, size);
    },
    linkTarget: (place) => installed.linkTarget(installed.listedPaths[place] ?? ''),
    describe: (file) =>
      file.member === 'control' ? `control file ${listed(file)} of ${name}` : listed(file),
  };
}

function sizeOfRegularFile(path: string): number | null {
  try {
    const found = lstatSync(path);
    return found.isFile() ? found.size : null;
  } catch {
    return null;
  }
}

/** Opens without following a link and without waiting for a FIFO that was put in its place. */
function readRegularFile(path: string, size: number): Buffer | null {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let file: number;
  try {
    file = openSync(path, flags);
  } catch {
    return null;
  }
  try {
    const found = fstatSync(file);
    return found.isFile() && found.size === size ? readExactlySync(file, 0, size) : null;
  } finally {
    closeSync(file);
  }
}
