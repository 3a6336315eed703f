import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { createTorrent, parseTorrent, type TorrentInfo } from '../../shared/torrent/metainfo.js';
import { chunksOf } from './chunks.js';

export interface MadeTorrent {
  readonly torrent: Buffer;
  readonly info: TorrentInfo;
  /** Where each file lies, in the torrent's order. */
  readonly paths: string[];
}

/** Writes `files` below `folder` and makes their torrent; one file called `name` makes a single. */
export async function makeTorrent(
  folder: string,
  name: string,
  files: Readonly<Record<string, Buffer>>,
  options: { pieceLength?: number; announce?: string[] } = {},
): Promise<MadeTorrent> {
  const single = Object.keys(files).length === 1 && name in files;
  const paths: string[] = [];
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, single ? '' : name, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
    paths.push(target);
  }
  const { torrent } = await createTorrent({
    name,
    files: Object.entries(files).map(([path, { length }]) => ({ path, length })),
    pieceLength: options.pieceLength ?? 16 * 1024,
    announce: options.announce ?? [],
    webSeeds: [],
    content: chunksOf(Buffer.concat(Object.values(files)), 65_536),
  });
  return { torrent, info: parseTorrent(torrent), paths };
}

/** An empty file of `size` bytes, as a download finds it. */
export async function makeHole(path: string, size: number): Promise<string> {
  await writeFile(path, '');
  await truncate(path, size);
  return path;
}
