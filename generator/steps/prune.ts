import { readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import {
  batchTorrentPath,
  debTorrentPath,
  deltaPath,
  metalinkPath,
  trackerWhitelistPath,
} from '../../shared/index/layout.js';
import { exists } from '../../shared/io/files.js';
import { pruneStore } from '../state/deb-store.js';
import type { GeneratorState } from '../state/state.js';
import type { VersionPair } from './pair-versions.js';

/**
 * Forgets what no pair needs any more: versions that are neither in the archive nor among the last
 * ones before it, deltas to or from them, batches and torrents that are left without use. Pure.
 */
export function forgetUnused(
  state: GeneratorState,
  current: ReadonlySet<string>,
  pairs: readonly VersionPair[],
): GeneratorState {
  const wanted = new Set(pairs.map((pair) => `${pair.old.sha256} ${pair.new.sha256}`));
  const isWanted = (pair: { oldSha256: string; newSha256: string }): boolean =>
    wanted.has(`${pair.oldSha256} ${pair.newSha256}`);
  const kept = new Set([...current, ...pairs.map((pair) => pair.old.sha256)]);
  const deltas = state.deltas.filter(isWanted);
  const batches = new Set(deltas.map((delta) => delta.batch));
  return {
    format: 1,
    versions: state.versions.filter((version) => kept.has(version.sha256)),
    deltas,
    rejected: state.rejected.filter(isWanted),
    batches: state.batches.filter((batch) => batches.has(batch.name)),
    debTorrents: state.debTorrents.filter((torrent) => current.has(torrent.sha256)),
  };
}

/**
 * Forgets what is not in `out`: another folder than last time, or one that lost files. It is made
 * again; an index must list nothing that cannot be had.
 */
export async function forgetMissing(state: GeneratorState, out: string): Promise<GeneratorState> {
  const areThere = async (...paths: readonly string[]): Promise<boolean> =>
    (await Promise.all(paths.map((path) => exists(join(out, path))))).every(Boolean);
  const batches: GeneratorState['batches'] = [];
  for (const batch of state.batches) {
    const { name } = batch;
    if (await areThere(deltaPath(name, ''), batchTorrentPath(name))) batches.push(batch);
  }
  const debTorrents: GeneratorState['debTorrents'] = [];
  for (const torrent of state.debTorrents) {
    const { filename, infoHash } = torrent;
    if (await areThere(filename, debTorrentPath(infoHash))) debTorrents.push(torrent);
  }
  const names = new Set(batches.map((batch) => batch.name));
  const deltas = state.deltas.filter((delta) => names.has(delta.batch));
  return { ...state, deltas, batches, debTorrents };
}

/**
 * Removes the files of what was forgotten since `before`, and batches and torrents that nobody
 * remembers because a run was killed. Runs after the switch-over: clients that still hold the last
 * index fall back to the mirror for these.
 */
export async function removeForgotten(
  before: GeneratorState,
  after: GeneratorState,
  places: { readonly home: string; readonly out: string },
): Promise<void> {
  const { home, out } = places;
  const folders = after.batches.map(({ name }) => deltaPath(name, ''));
  await removeOthers(out, dirname(deltaPath('any', '')), folders);
  const torrents = [
    trackerWhitelistPath(),
    ...after.batches.map(({ name }) => batchTorrentPath(name)),
    ...after.debTorrents.map(({ infoHash }) => debTorrentPath(infoHash)),
  ];
  await removeOthers(out, dirname(batchTorrentPath('any')), torrents);
  // By name: a version that was rebuilt under its old number has taken the place of the old file.
  const filenames = new Set(after.debTorrents.map((torrent) => torrent.filename));
  for (const { filename } of before.debTorrents) {
    if (filenames.has(filename)) continue;
    await rm(join(out, filename), { force: true });
    await rm(join(out, metalinkPath(filename)), { force: true });
    await removeEmptyFolders(out, dirname(filename));
  }
  await pruneStore(home, new Set(after.versions.map((version) => version.sha256)));
}

/** Removes everything in a folder of ours, `out/folder`, that is not in `keep`. */
async function removeOthers(out: string, folder: string, keep: readonly string[]): Promise<void> {
  const kept = new Set(keep.map((path) => path.replace(/\/$/, '')));
  for (const name of await readdir(join(out, folder)).catch(() => [])) {
    const path = `${folder}/${name}`;
    if (!kept.has(path)) await rm(join(out, path), { recursive: true, force: true });
  }
}

async function removeEmptyFolders(out: string, relative: string): Promise<void> {
  for (let folder = relative; folder !== '.'; folder = dirname(folder)) {
    const entries = await readdir(join(out, folder)).catch(() => ['unreadable']);
    if (entries.length > 0) return;
    await rmdir(join(out, folder));
  }
}
