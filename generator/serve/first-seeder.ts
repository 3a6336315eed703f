import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { isDebshoalError } from '../../shared/errors.js';
import { groupBy } from '../../shared/group-by.js';
import { readBounded } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import type { Swarm } from '../../shared/swarm/swarm.js';
import { parseTorrent, type TorrentInfo } from '../../shared/torrent/metainfo.js';

export interface FirstSeederOptions {
  readonly swarm: Swarm;
  /** Torrents seeded at a time, the newest; WebTorrent gets slow with thousands. Default 300. */
  readonly maxTorrents?: number;
  /** Trackers to announce to; default the ones that each torrent names. */
  readonly trackers?: readonly string[];
  /** Where a torrent's files lie, in its order; null when unknown. Default `findContent`. */
  readonly resolve?: (info: TorrentInfo) => Promise<readonly string[] | null>;
  readonly onWarning?: (text: string) => void;
}

export interface FirstSeeder {
  /** Seeds what was published since, and drops what was withdrawn. Resolves when verified. */
  readonly refresh: () => Promise<void>;
  /** Info hashes of all torrents in the folder, also of those too old to be seeded. */
  readonly known: () => ReadonlySet<string>;
  readonly seeding: () => ReadonlySet<string>;
}

/** Seeds `<folder>/torrents/*.torrent` from the published files themselves. */
export function startFirstSeeder(folder: string, options: FirstSeederOptions): FirstSeeder {
  const parsed = new Map<string, { mtime: number; torrent: Buffer; info: TorrentInfo }>();
  const seeding = new Set<string>();
  let known: ReadonlySet<string> = new Set();
  let running = Promise.resolve();

  const read = async (path: string): Promise<void> => {
    const mtime = (await stat(path)).mtimeMs;
    if (parsed.get(path)?.mtime === mtime) return;
    const torrent = await readBounded(path, LIMITS.torrentFileBytes);
    parsed.set(path, { mtime, torrent, info: parseTorrent(torrent) });
  };

  const refresh = async (): Promise<void> => {
    const paths = (await listFiles(join(folder, 'torrents'))).filter((p) => p.endsWith('.torrent'));
    for (const path of parsed.keys()) if (!paths.includes(path)) parsed.delete(path);
    for (const path of paths) {
      await read(path).catch((error: unknown) => {
        options.onWarning?.(`${path}: ${String(error)}`);
      });
    }
    const newest = [...parsed.values()].sort((a, b) => b.mtime - a.mtime);
    known = new Set(newest.map(({ info }) => info.infoHash));
    const chosen = newest.slice(0, options.maxTorrents ?? 300);
    const wanted = new Set(chosen.map(({ info }) => info.infoHash));
    for (const infoHash of seeding) {
      if (wanted.has(infoHash) && options.swarm.isActive(infoHash)) continue;
      options.swarm.stopSeeding(infoHash);
      seeding.delete(infoHash);
    }
    const find = options.resolve ?? contentFinder(folder);
    for (const { torrent, info } of chosen) {
      if (!seeding.has(info.infoHash)) await seed(torrent, info, find);
    }
  };

  const seed = async (
    torrent: Buffer,
    info: TorrentInfo,
    find: (info: TorrentInfo) => Promise<readonly string[] | null>,
  ): Promise<void> => {
    const paths = await find(info);
    if (paths === null) {
      options.onWarning?.(`no content for the torrent ${info.name}`);
      return;
    }
    try {
      await options.swarm.seed({ torrent, paths, trackers: options.trackers ?? info.announce });
      seeding.add(info.infoHash);
    } catch (error) {
      if (!isDebshoalError(error, 'swarm-failed')) throw error;
      options.onWarning?.(`${info.name} is not seeded: ${error.message}`);
    }
  };

  return {
    // One at a time, in order.
    refresh: () => (running = running.catch(() => undefined).then(refresh)),
    known: () => known,
    seeding: () => seeding,
  };
}

/**
 * Finds the content of torrents in a published folder: a batch in `deltas/<name>/`, a single file by
 * name and size anywhere below `pool/` (listed once, when first needed) or `deltas/`.
 */
function contentFinder(folder: string): (info: TorrentInfo) => Promise<readonly string[] | null> {
  let byName: Promise<Map<string, string[]>> | null = null;
  return async (info) => {
    if (info.multiFile) {
      const batch = join(folder, 'deltas', info.name);
      return info.files.map(({ path }) => join(batch, path));
    }
    byName ??= indexByName([join(folder, 'pool'), join(folder, 'deltas')]);
    for (const path of (await byName).get(info.name) ?? []) {
      if ((await stat(path)).size === info.totalLength) return [path];
    }
    return null;
  };
}

async function indexByName(folders: readonly string[]): Promise<Map<string, string[]>> {
  const paths = await Promise.all(folders.map(listFiles));
  return groupBy(paths.flat(), (path) => basename(path));
}

/** All regular files below `folder`; none when it does not exist. Links are not followed. */
async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
