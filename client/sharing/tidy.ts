import type { InstalledVersions } from '../apt/installed-versions.js';
import type { SharedFile, SharedTorrent } from './ledger.js';

/** Fetched in the background and never installed: the user has decided against it. */
const NEVER_INSTALLED = 14 * 24 * 3_600_000;

export interface TidyOptions {
  readonly versions: InstalledVersions;
  /** Bytes on disk. */
  readonly budget: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** One file of one torrent on the shelf. */
export interface Expired {
  readonly infoHash: string;
  readonly index: string;
}

/**
 * Marks what is installed, and finds what is to go: files of a version that was replaced or removed,
 * of one that was never installed in two weeks, and the oldest beyond the budget.
 */
export function chooseExpired(
  torrents: ReadonlyMap<string, SharedTorrent>,
  { versions, budget, now }: TidyOptions,
): Expired[] {
  const expired: Expired[] = [];
  let bytes = 0;
  const newestFirst = [...torrents].sort(([, a], [, b]) => b.offeredAt - a.offeredAt);
  for (const [infoHash, torrent] of newestFirst) {
    for (const [index, file] of Object.entries(torrent.files)) {
      const isInstalled = versionOf(versions, file) === file.version;
      const tooOld = file.installed ? !isInstalled : now - torrent.offeredAt > NEVER_INSTALLED;
      file.installed = isInstalled;
      if (!tooOld && bytes + file.size <= budget) bytes += file.size;
      else expired.push({ infoHash, index });
    }
  }
  return expired;
}

export function filesOf(torrent: SharedTorrent): SharedFile[] {
  return Object.values(torrent.files);
}

function versionOf(versions: InstalledVersions, file: SharedFile): string | undefined {
  return versions.get(`${file.package}:${file.architecture}`);
}
