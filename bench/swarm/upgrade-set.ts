import { randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { batchTorrentPath, debTorrentPath, deltaPath } from '../../shared/index/layout.js';
import { hashFile, type Sha256 } from '../../shared/io/hash.js';
import { createTorrent, parseTorrent, pieceLengthFor } from '../../shared/torrent/metainfo.js';

/** A published object as the index describes it; paths are below the site's folder. */
export interface SetObject {
  readonly id: string;
  readonly sha256: Sha256;
  readonly size: number;
  readonly path: string;
  readonly torrentPath: string;
  readonly infoHash: string;
  /** Its path in the torrent; null for the only file. */
  readonly filePath: string | null;
}

/** Sizes in bytes: single objects with a torrent each, and those of one batch. */
export interface SetShape {
  readonly singles: readonly number[];
  readonly batch: readonly number[];
}

/** Two fifths of the bytes are small deltas, the others a few large packages. */
export function mixedSet(bytes: number): SetShape {
  const [small, large] = [Math.floor(bytes / 100), Math.floor((bytes * 0.6) / 4)];
  return { singles: Array<number>(4).fill(large), batch: Array<number>(40).fill(small) };
}

/** Publishes random content in `folder` as the generator lays it out, with torrents but no index. */
export async function makeUpgradeSet(folder: string, shape: SetShape): Promise<SetObject[]> {
  const objects: SetObject[] = [];
  for (const [index, size] of shape.singles.entries()) {
    const name = `single${index}.deb`;
    const path = `pool/${name}`;
    await writeRandom(join(folder, path), size);
    const { infoHash, torrent } = await torrentOf(name, [{ name, size }], [join(folder, path)]);
    const torrentPath = debTorrentPath(infoHash);
    await writeBelow(join(folder, torrentPath), torrent);
    const { sha256 } = await hashFile(join(folder, path));
    objects.push({ id: name, sha256, size, path, torrentPath, infoHash, filePath: null });
  }
  if (shape.batch.length > 0) objects.push(...(await makeBatch(folder, shape.batch)));
  return objects;
}

async function makeBatch(folder: string, sizes: readonly number[]): Promise<SetObject[]> {
  const batch = 'batch';
  const files = sizes.map((size, index) => ({ name: `${index}.delta`, size }));
  const paths = files.map(({ name }) => deltaPath(batch, name));
  for (const [index, path] of paths.entries())
    await writeRandom(join(folder, path), sizes[index] ?? 0);
  const onDisk = paths.map((path) => join(folder, path));
  const { infoHash, torrent } = await torrentOf(batch, files, onDisk);
  const torrentPath = batchTorrentPath(batch);
  await writeBelow(join(folder, torrentPath), torrent);
  return Promise.all(
    files.map(async ({ name, size }, index) => {
      const { sha256 } = await hashFile(onDisk[index] ?? '');
      const path = paths[index] ?? '';
      return { id: name, sha256, size, path, torrentPath, infoHash, filePath: name };
    }),
  );
}

async function torrentOf(
  name: string,
  files: readonly { readonly name: string; readonly size: number }[],
  paths: readonly string[],
): Promise<{ infoHash: string; torrent: Buffer }> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const { torrent } = await createTorrent({
    name,
    files: files.map((file) => ({ path: file.name, length: file.size })),
    pieceLength: pieceLengthFor(total, files.length),
    announce: [],
    webSeeds: [],
    content: readAll(paths),
  });
  return { torrent, infoHash: parseTorrent(torrent).infoHash };
}

async function* readAll(paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) {
    for await (const chunk of createReadStream(path)) yield chunk as Buffer;
  }
}

const CHUNK = 1 << 22;

async function writeRandom(path: string, size: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'w');
  try {
    for (let at = 0; at < size; at += CHUNK) {
      await file.write(randomFillSync(Buffer.allocUnsafe(Math.min(CHUNK, size - at))));
    }
  } finally {
    await file.close();
  }
}

async function writeBelow(path: string, bytes: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}
