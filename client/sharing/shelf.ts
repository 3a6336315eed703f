import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { readBounded, writeFileAtomically } from '../../shared/io/files.js';
import { linkOrCopy } from '../../shared/io/link-or-copy.js';
import { LIMITS } from '../../shared/limits.js';

/**
 * The files that are shared, in a folder of their own so that nobody else's cleaning takes them:
 * `<infoHash>/torrent` and `<infoHash>/<index of the file>`.
 */
export interface Shelf {
  readonly pathOf: (infoHash: string, index: string) => string;
  readonly readTorrent: (infoHash: string) => Promise<Buffer>;
  /** Takes a link to `path`, or a copy where there can be none. */
  readonly put: (
    infoHash: string,
    index: string,
    object: { readonly path: string; readonly torrent: Uint8Array },
  ) => Promise<void>;
  readonly removeFile: (infoHash: string, index: string) => Promise<void>;
  readonly removeTorrent: (infoHash: string) => Promise<void>;
}

/** Removes what `known` does not name: an interrupted run left it. */
export async function openShelf(folder: string, known: ReadonlySet<string>): Promise<Shelf> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) {
    if (!known.has(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
  const pathOf = (infoHash: string, index: string): string => join(folder, infoHash, index);
  return {
    pathOf,
    readTorrent: (infoHash) => readBounded(pathOf(infoHash, 'torrent'), LIMITS.torrentFileBytes),
    put: async (infoHash, index, { path, torrent }) => {
      await writeFileAtomically(pathOf(infoHash, 'torrent'), torrent);
      await linkOrCopy(path, pathOf(infoHash, index));
    },
    removeFile: (infoHash, index) => rm(pathOf(infoHash, index), { force: true }),
    removeTorrent: (infoHash) => rm(join(folder, infoHash), { recursive: true, force: true }),
  };
}
