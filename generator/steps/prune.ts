import { readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { batchTorrentPath, debTorrentPath, deltaPath } from '../../shared/index/layout.js';
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
 * Removes the files of what was forgotten in `before`. Runs after the switch-over: clients that
 * still hold the last index fall back to the mirror for these.
 */
export async function removeForgotten(
  before: GeneratorState,
  after: GeneratorState,
  places: { readonly home: string; readonly out: string },
): Promise<void> {
  const { home, out } = places;
  const batches = new Set(after.batches.map((batch) => batch.name));
  for (const { name } of before.batches) {
    if (batches.has(name)) continue;
    await rm(join(out, deltaPath(name, '')), { recursive: true, force: true });
    await rm(join(out, batchTorrentPath(name)), { force: true });
  }
  const torrents = new Set(after.debTorrents.map((torrent) => torrent.sha256));
  for (const { sha256, infoHash, filename } of before.debTorrents) {
    if (torrents.has(sha256)) continue;
    await rm(join(out, filename), { force: true });
    await removeEmptyFolders(out, dirname(filename));
    await rm(join(out, debTorrentPath(infoHash)), { force: true });
  }
  await pruneStore(home, new Set(after.versions.map((version) => version.sha256)));
}

async function removeEmptyFolders(out: string, relative: string): Promise<void> {
  for (let folder = relative; folder !== '.'; folder = dirname(folder)) {
    const entries = await readdir(join(out, folder)).catch(() => ['unreadable']);
    if (entries.length > 0) return;
    await rmdir(join(out, folder));
  }
}
