import { accessSync, closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';

import { CONTROL_SOURCES, type SourceFile } from '../../shared/delta/delta.js';
import type { Allocate, OldPackage } from '../../shared/delta/old-package.js';
import { isErrno } from '../../shared/io/errno.js';
import { readBounded, readExactlySync } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import { parseMd5sums } from '../../shared/tar-layout/md5sums.js';
import { openInstalledPackage } from './installed-package.js';

/** What identifies an installed package. */
export interface InstalledIdentity {
  readonly package: string;
  readonly architecture: string;
  readonly version: string;
}

export interface InstalledSource extends OldPackage {
  /** When a file was missing only because we may not read it: all such files, as dpkg lists them. */
  unreadable(): Promise<string[]>;
}

/**
 * Serves the files of a package that is installed under `root` to a delta; those in `given` (listed
 * path → path on this machine) from there. Fails as `openInstalledPackage` does.
 */
export async function openInstalledSource(
  root: string,
  identity: InstalledIdentity,
  given: Readonly<Record<string, string>> = {},
): Promise<InstalledSource> {
  const { package: name, architecture, version } = identity;
  const installed = await openInstalledPackage(root, name, architecture, version);
  const listed = ({ member, place }: SourceFile): string =>
    (member === 'control' ? CONTROL_SOURCES[place] : installed.listedPaths[place]) ?? '';
  const locate = async (file: SourceFile): Promise<string | null> =>
    file.member === 'control'
      ? (installed.controlFiles.get(listed(file)) ?? null)
      : (given[listed(file)] ?? (await installed.place(listed(file))));
  let wasDenied = false;
  const unlessDenied = async <T>(
    file: SourceFile,
    ask: (path: string) => T | null,
  ): Promise<T | null> => {
    try {
      const path = await locate(file);
      return path === null ? null : ask(path);
    } catch (error) {
      if (!isErrno(error, 'EACCES')) throw error;
      wasDenied = true;
      return null;
    }
  };
  const isDenied = async (path: string): Promise<boolean> => {
    try {
      const found = await installed.locate(path);
      if (found !== null) accessSync(found, constants.R_OK);
      return false;
    } catch (error) {
      return isErrno(error, 'EACCES');
    }
  };
  return {
    ...identity,
    listedPaths: installed.listedPaths,
    size: (file) => unlessDenied(file, sizeOfRegularFile),
    read: (file, size, allocate) =>
      unlessDenied(file, (path) => readRegularFile(path, size, allocate)),
    linkTarget: (place) => installed.linkTarget(installed.listedPaths[place] ?? ''),
    describe: (file) =>
      file.member === 'control' ? `control file ${listed(file)} of ${name}` : listed(file),
    async unreadable() {
      const sums = installed.controlFiles.get('md5sums');
      if (!wasDenied || sums === undefined) return [];
      const named = parseMd5sums(await readBounded(sums, LIMITS.controlTarBytes)).keys();
      const denied: string[] = [];
      for (const path of named) if (await isDenied(path)) denied.push(path);
      return denied;
    },
  };
}

function sizeOfRegularFile(path: string): number | null {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    return found?.isFile() === true ? found.size : null;
  } catch (error) {
    return nullUnlessDenied(error);
  }
}

function nullUnlessDenied(error: unknown): null {
  if (isErrno(error, 'EACCES')) throw error;
  return null;
}

/** Opens without following a link and without waiting for a FIFO that was put in its place. */
function readRegularFile(path: string, size: number, allocate?: Allocate): Buffer | null {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let file: number;
  try {
    file = openSync(path, flags);
  } catch (error) {
    return nullUnlessDenied(error);
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile() || found.size !== size) return null;
    return readExactlySync(file, 0, size, allocate?.(size));
  } finally {
    closeSync(file);
  }
}
