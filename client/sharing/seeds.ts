import type { Swarm } from '../../shared/swarm/swarm.js';
import { wholePieces } from '../../shared/torrent/layout.js';
import { parseTorrent } from '../../shared/torrent/metainfo.js';
import type { Decision } from './decide.js';
import type { SharedTorrent } from './ledger.js';
import type { Shelf } from './shelf.js';

/** WebTorrent gets slow with thousands of torrents. */
const MAX_TORRENTS = 200;

/** What is in the swarm of what is shared. */
export interface Seeds {
  /**
   * Brings the swarm to seed the newest of `torrents`, as far as their packages are installed. Does
   * not wait for it: while a torrent is downloaded, its seed rests.
   */
  readonly follow: (
    swarm: Swarm | null,
    torrents: ReadonlyMap<string, SharedTorrent>,
    decision: Decision,
  ) => void;
  readonly stop: (infoHashes: Iterable<string>) => void;
  readonly count: () => number;
}

/** `onFailed` hears of each seed that ended by itself. */
export function startSeeds(
  shelf: Shelf,
  onFailed: (infoHash: string, error: unknown) => void,
): Seeds {
  /** By info hash, what was asked for: another wish is another seed. */
  const active = new Map<string, { readonly asked: string }>();
  let current: Swarm | null = null;

  const stop = (infoHashes: Iterable<string>): void => {
    for (const infoHash of infoHashes) {
      if (active.delete(infoHash)) current?.stopSeeding(infoHash);
    }
  };

  const start = async (
    swarm: Swarm,
    infoHash: string,
    { indexes, trackers, localOnly }: Wish,
    isWanted: () => boolean,
  ): Promise<void> => {
    const torrent = await shelf.readTorrent(infoHash);
    const info = parseTorrent(torrent);
    // A small delta of a batch may share each of its pieces with its neighbours.
    if (wholePieces(info, new Set(indexes.map(Number))).length === 0) return;
    const paths = info.files.map((_, index) =>
      indexes.includes(String(index)) ? shelf.pathOf(infoHash, String(index)) : null,
    );
    if (isWanted()) await swarm.seed({ torrent, paths, trackers, localOnly });
  };

  return {
    count: () => active.size,
    stop,
    follow: (swarm, torrents, decision) => {
      if (swarm !== current) active.clear();
      current = swarm;
      if (swarm === null) return;
      const wishes = wishesFor(torrents, decision);
      for (const [infoHash, { asked }] of [...active]) {
        const wish = wishes.get(infoHash);
        const same = wish !== undefined && JSON.stringify(wish) === asked;
        if (!same || !swarm.isActive(infoHash)) stop([infoHash]);
      }
      for (const [infoHash, wish] of wishes) {
        if (active.has(infoHash)) continue;
        const entry = { asked: JSON.stringify(wish) };
        active.set(infoHash, entry);
        const isWanted = (): boolean => active.get(infoHash) === entry;
        start(swarm, infoHash, wish, isWanted).catch((error: unknown) => {
          // One that was stopped has only ended.
          if (!isWanted()) return;
          active.delete(infoHash);
          onFailed(infoHash, error);
        });
      }
    },
  };
}

interface Wish {
  /** Of the files in the torrent. */
  readonly indexes: readonly string[];
  readonly trackers: readonly string[];
  readonly localOnly: boolean;
}

function wishesFor(
  torrents: ReadonlyMap<string, SharedTorrent>,
  decision: Decision,
): Map<string, Wish> {
  const wishes = [...torrents]
    .sort(([, a], [, b]) => b.offeredAt - a.offeredAt)
    .flatMap(([infoHash, torrent]) => {
      const indexes = Object.keys(torrent.files).filter((index) => torrent.files[index]?.installed);
      if (indexes.length === 0) return [];
      const localOnly = decision.localOnly(torrent);
      const trackers = localOnly ? [] : torrent.trackers;
      return [[infoHash, { indexes, trackers, localOnly }] as const];
    });
  return new Map(wishes.slice(0, MAX_TORRENTS));
}
