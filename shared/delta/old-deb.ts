import { open } from 'node:fs/promises';

import { expandDeb, type ExpandedDeb } from '../deb/expand-deb.js';
import { readExactly } from '../io/files.js';
import { CONTROL_SOURCES } from './delta.js';
import { fingerprintFileList, type OldPackage } from './old-package.js';

/** Serves the files of an expanded .deb, exactly as if it were installed. */
export async function openExpandedDeb(
  deb: ExpandedDeb,
): Promise<OldPackage & { close(): Promise<void> }> {
  const image = await open(deb.imagePath, 'r');
  const files = new Map(deb.files.map((file) => [`${file.member} ${file.path}`, file]));
  const pathOf = (member: 'control' | 'data', place: number): string =>
    (member === 'control' ? CONTROL_SOURCES[place] : deb.listedPaths[place]) ?? '';
  return {
    package: deb.control.package,
    architecture: deb.control.architecture,
    version: deb.control.version,
    fileList: fingerprintFileList(deb.listedPaths),
    async read(member, place, size) {
      const file = files.get(`${member} ${pathOf(member, place)}`);
      return file?.size === size ? await readExactly(image, file.offset, size) : null;
    },
    describe: (member, place) => `${pathOf(member, place)} in ${deb.path}`,
    close: () => image.close(),
  };
}

/** Expands a .deb to `imagePath` and serves its files. The caller closes it. */
export async function openOldDeb(
  path: string,
  imagePath: string,
): Promise<OldPackage & { close(): Promise<void> }> {
  return openExpandedDeb(await expandDeb(path, imagePath));
}
