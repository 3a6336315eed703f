import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Offer, OfferedContent, Swarm } from '../../shared/swarm/swarm.js';
import { contentFinder } from './published-content.js';
import {
  readTorrent,
  type PublishedTorrent,
  type PublishedTorrents,
} from './published-torrents.js';

export interface FirstSeederOptions {
  readonly published: PublishedTorrents;
  /** Trackers to announce to; default the ones that each torrent names. */
  readonly trackers?: readonly string[];
  readonly onWarning: (text: string) => void;
}

export interface FirstSeeder {
  /** For the swarm's `loadOffer`. */
  readonly load: (infoHash: string) => Promise<OfferedContent | null>;
  /** Offers what was published since, and withdraws what is gone. */
  readonly refresh: (swarm: Swarm) => Promise<void>;
  /** Info hashes that are offered to peers. */
  readonly seeding: () => ReadonlySet<string>;
}

/** So many are told to the swarm at a time; it answers peers in between. */
const OFFERS_AT_ONCE = 500;

/** Seeds published torrents from the published files themselves. */
export function openFirstSeeder(folder: string, options: FirstSeederOptions): FirstSeeder {
  const { published, onWarning } = options;
  const content = contentFinder(folder);
  const seeding = new Set<string>();
  /** Torrents without their files; they are looked for each time, and told once. */
  const lost = new Set<string>();
  let last: unknown = null;

  const load = async (infoHash: string): Promise<OfferedContent | null> => {
    const found = published.all().get(infoHash);
    if (found === undefined) return null;
    const { torrent, ...info } = readTorrent(found.path);
    const paths = await content.find(info);
    return paths === null ? null : { torrent, paths };
  };
  const isThere = async ({ infoHash, path }: PublishedTorrent): Promise<boolean> => {
    const info = readTorrent(path);
    if ((await content.findAll(info)) !== null) {
      lost.delete(infoHash);
      return true;
    }
    if (!lost.has(infoHash)) onWarning(`no content for the torrent ${info.name}`);
    lost.add(infoHash);
    return false;
  };

  return {
    load,
    seeding: () => seeding,
    refresh: async (swarm) => {
      const all = published.all();
      const gone = [...seeding].filter((infoHash) => !all.has(infoHash));
      for (const infoHash of gone) seeding.delete(infoHash);
      if (gone.length > 0) swarm.withdraw(gone);
      let offers: Offer[] = [];
      const tell = (): void => {
        swarm.offer(offers);
        for (const { infoHash } of offers) seeding.add(infoHash);
        offers = [];
      };
      if (all !== last || lost.size > 0) content.forget();
      last = all;
      for (const torrent of all.values()) {
        const { infoHash, trackers } = torrent;
        // One that cannot be read any more was withdrawn meanwhile.
        if (seeding.has(infoHash) || !(await isThere(torrent).catch(() => false))) continue;
        await nextTurn();
        offers.push({ infoHash, trackers: options.trackers ?? trackers });
        if (offers.length >= OFFERS_AT_ONCE) tell();
      }
      // Also when there is none: it brings a swarm back that has ended.
      tell();
    },
  };
}
