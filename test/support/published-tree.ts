import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { FileIdentity } from '../../shared/delta/delta.js';
import { decodeDeltasIndex, type IndexedPackage } from '../../shared/index/deltas-index.js';
import {
  batchTorrentPath,
  byHashPath,
  debTorrentPath,
  deltaFileName,
  deltaPath,
  releasePath,
  suiteFolder,
} from '../../shared/index/layout.js';
import { decodeRelease, type Release } from '../../shared/index/release.js';
import { readPublicKeys, verifyInRelease } from '../../shared/index/signature.js';
import { hashFile, sha256 } from '../../shared/io/hash.js';

export interface Published {
  readonly release: Release;
  /** By index path, e.g. `main/debshoal-amd64/Deltas`. */
  readonly packages: ReadonlyMap<string, readonly IndexedPackage[]>;
  /** All `package old -> new architecture`, sorted. */
  readonly deltas: readonly string[];
}

/**
 * Reads one published suite as a distrustful client would: the signature, every listed index by both
 * of its names, every delta and .deb with its size and hash, every torrent. Throws at the first lie.
 * While a run goes on, or after one was killed, only the by-hash names are those of InRelease.
 */
export async function checkPublished(
  out: string,
  home: string,
  suite: string,
  names: 'both' | 'by-hash' = 'both',
): Promise<Published> {
  const keys = await readPublicKeys(await readFile(join(home, 'public-key.asc')));
  const inRelease = await readFile(join(out, releasePath(suite)));
  const release = decodeRelease(await verifyInRelease(inRelease, keys, new Date()));
  const packages = new Map<string, readonly IndexedPackage[]>();
  const deltas: string[] = [];
  for (const file of release.files) {
    const folder = join(out, suiteFolder(suite));
    const byHash = byHashPath(file.path, file.sha256);
    for (const path of names === 'both' ? [file.path, byHash] : [byHash]) {
      const bytes = await readFile(join(folder, path));
      if (bytes.length !== file.size || sha256(bytes) !== file.sha256) throw new Error(path);
    }
    if (file.path.endsWith('.xz')) continue;
    const index = decodeDeltasIndex(await readFile(join(folder, byHash)));
    packages.set(file.path, index.packages);
    for (const { name } of index.batches) await readFile(join(out, batchTorrentPath(name)));
    for (const entry of index.packages) {
      await expectFile(join(out, entry.filename ?? ''), entry);
      if (entry.infoHash !== null) await readFile(join(out, debTorrentPath(entry.infoHash)));
      for (const delta of entry.deltas) {
        const { package: name, version, architecture } = entry;
        const fileName = deltaFileName(name, delta.oldVersion, version, architecture);
        const batch = index.batches[delta.batch]?.name ?? '';
        await expectFile(join(out, deltaPath(batch, fileName)), delta);
        deltas.push(`${name} ${delta.oldVersion} -> ${version} ${architecture}`);
      }
    }
  }
  return { release, packages, deltas: deltas.sort() };
}

async function expectFile(path: string, expected: FileIdentity): Promise<void> {
  const found = await hashFile(path);
  if (found.size !== expected.size || found.sha256 !== expected.sha256) throw new Error(path);
}

/** Every file below `folder`, sorted. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
