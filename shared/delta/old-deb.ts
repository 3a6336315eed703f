import { open } from 'node:fs/promises';

import { expandDeb, type DebFile, type ExpandedDeb } from '../deb/expand-deb.js';
import { readExactlySync } from '../io/files.js';
import { CONTROL_SOURCES, type SourceFile } from './delta.js';
import type { OldPackage } from './old-package.js';

/** Serves the files of an expanded .deb, exactly as if it were installed. */
export async function openExpandedDeb(
  deb: ExpandedDeb,
): Promise<OldPackage & { close(): Promise<void> }> {
  const image = await open(deb.imagePath, 'r');
  const files = new Map(deb.files.map((file) => [`${file.member} ${file.path}`, file]));
  const pathOf = ({ member, place }: SourceFile): string =>
    (member === 'control' ? CONTROL_SOURCES[place] : deb.listedPaths[place]) ?? '';
  const find = (file: SourceFile): DebFile | undefined =>
    files.get(`${file.member} ${pathOf(file)}`);
  return {
    package: deb.control.package,
    architecture: deb.control.architecture,
    version: deb.control.version,
    listedPaths: deb.listedPaths,
    size: (file) => Promise.resolve(find(file)?.size ?? null),
    read(file, size, allocate) {
      const found = find(file);
      const content =
        found?.size === size
          ? readExactlySync(image.fd, found.offset, size, allocate?.(size))
          : null;
      return Promise.resolve(content);
    },
    linkTarget: (place) => Promise.resolve(deb.links.get(deb.listedPaths[place] ?? '') ?? null),
    describe: (file) => `${pathOf(file)} in ${deb.path}`,
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
