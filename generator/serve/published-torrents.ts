import { statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { readBoundedSync } from '../../shared/io/files.js';
import { isErrno } from '../../shared/io/errno.js';
import { LIMITS } from '../../shared/limits.js';
import { parseTorrent, type TorrentInfo } from '../../shared/torrent/metainfo.js';

/** What is remembered of each: there may be 50,000. */
export interface PublishedTorrent {
  readonly path: string;
  readonly infoHash: string;
  readonly trackers: readonly string[];
  /** Number of files in it. */
  readonly objects: number;
}

export interface PublishedTorrents {
  /** Looks for what is new and what is gone. */
  readonly refresh: () => Promise<void>;
  /** By info hash, the newest first. */
  readonly all: () => ReadonlyMap<string, PublishedTorrent>;
}

interface Known extends PublishedTorrent {
  readonly mtime: number;
}

/** File systems tell times by the tick: a folder that changed just now may change in the same one. */
const SETTLED = 2000;

/** Keeps track of `<folder>/torrents/*.torrent`; what is no torrent is reported once. */
export function watchPublishedTorrents(
  folder: string,
  onWarning: (text: string) => void,
): PublishedTorrents {
  const torrents = join(folder, 'torrents');
  const known = new Map<string, Known | { readonly mtime: number }>();
  /** One list for all torrents that name the same. */
  const trackerLists = new Map<string, readonly string[]>();
  let all: ReadonlyMap<string, PublishedTorrent> = new Map();
  let seenAt: number | null = null;

  const read = (name: string): void => {
    const path = join(torrents, name);
    const { mtimeMs: mtime } = statSync(path);
    if (known.get(name)?.mtime === mtime) return;
    known.set(name, { mtime });
    const { infoHash, announce, files } = readTorrent(path);
    const key = announce.join(' ');
    const trackers = trackerLists.get(key) ?? announce;
    trackerLists.set(key, trackers);
    known.set(name, { path, mtime, infoHash, trackers, objects: files.length });
  };

  return {
    all: () => all,
    refresh: async () => {
      const changedAt = await stat(torrents).then(
        ({ mtimeMs }) => mtimeMs,
        () => null,
      );
      if (changedAt !== null && changedAt === seenAt) return;
      const found = changedAt === null ? [] : await readdir(torrents);
      const names = new Set(found.filter((name) => /^[^.].*\.torrent$/.test(name)));
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
      for (const name of names) {
        try {
          read(name);
        } catch (error) {
          // Withdrawn meanwhile.
          if (!isErrno(error, 'ENOENT')) onWarning(`${join(torrents, name)}: ${String(error)}`);
        }
        await nextTurn();
      }
      const sorted = [...known.values()].filter(isTorrent).sort((a, b) => b.mtime - a.mtime);
      all = new Map(sorted.map((torrent) => [torrent.infoHash, torrent]));
      seenAt = changedAt !== null && Date.now() - changedAt > SETTLED ? changedAt : null;
    },
  };
}

/** Without waiting: there are thousands, and they are small. */
export function readTorrent(path: string): TorrentInfo & { torrent: Buffer } {
  const torrent = readBoundedSync(path, LIMITS.torrentFileBytes);
  return { ...parseTorrent(torrent), torrent };
}

function isTorrent(known: Known | { readonly mtime: number }): known is Known {
  return 'infoHash' in known;
}
