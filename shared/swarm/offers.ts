import type { Torrent } from 'webtorrent';

import type { GuardedClient } from './guarded-client.js';
import type { Offer, OfferedContent } from './messages.js';
import type { Session } from './sessions.js';

/** WebTorrent gets slow with thousands; each has a few open files, and timers. */
const MAX_AWAKE = 200;
/** A peer that called waits for so long; its connection ends a little later (`incoming.ts`). */
const LOAD_TIMEOUT = 4000;
/** Who fetches several files of a batch comes back soon. */
const IDLE = 60_000;
const LOOK = 10_000;

export interface OffersPorts {
  /** Asks the parent for the content, which `load` brings. */
  readonly ask: (infoHash: string) => void;
  /** Starts to seed; `onEnd` is called when that fails or could not begin. */
  readonly seed: (
    infoHash: string,
    content: OfferedContent,
    on: { readonly ready: () => void; readonly failed: (message: string) => void },
  ) => Session;
  readonly warn: (text: string) => void;
}

/**
 * Torrents that are announced, and in memory only while somebody asks for them: 50,000 of them cost
 * little more than their names.
 */
export interface Offers {
  readonly add: (offers: readonly Offer[]) => void;
  readonly remove: (infoHashes: readonly string[]) => void;
  readonly load: (infoHash: string, content: OfferedContent | null) => void;
}

interface Awake {
  readonly torrent: Promise<Torrent | null>;
  readonly settle: (torrent: Torrent | null) => void;
  session: Session | null;
  usedAt: number;
}

const COMPLETE = { uploaded: 0, downloaded: 0, left: 0 };
const progress = (): typeof COMPLETE => COMPLETE;

export function openOffers({ webTorrent, announcer }: GuardedClient, ports: OffersPorts): Offers {
  /** How to leave the trackers of each. */
  const offered = new Map<string, () => void>();
  const awake = new Map<string, Awake>();

  const find = (infoHash: string): Torrent | undefined =>
    webTorrent.torrents.find((torrent) => torrent.infoHash === infoHash);
  const rest = (infoHash: string): void => {
    const entry = awake.get(infoHash);
    awake.delete(infoHash);
    entry?.settle(null);
    entry?.session?.stop();
  };
  const remove = (infoHash: string): void => {
    rest(infoHash);
    offered.get(infoHash)?.();
    offered.delete(infoHash);
  };
  /** Those without a peer, the one that is idle for longest first. */
  const idle = (): [infoHash: string, entry: Awake][] =>
    [...awake]
      .filter(([infoHash, { session }]) => session !== null && !find(infoHash)?.wires.length)
      .sort(([, a], [, b]) => a.usedAt - b.usedAt);
  const wake = (infoHash: string): Promise<Torrent | null> => {
    const known = awake.get(infoHash);
    if (known !== undefined) {
      known.usedAt = performance.now();
      return known.torrent;
    }
    if (!offered.has(infoHash)) return Promise.resolve(null);
    const [leaving] = awake.size < MAX_AWAKE ? [] : idle();
    if (leaving !== undefined) rest(leaving[0]);
    if (awake.size >= MAX_AWAKE) return Promise.resolve(null);
    let settle: Awake['settle'] = () => undefined;
    const torrent = new Promise<Torrent | null>((resolve) => {
      settle = resolve;
    });
    awake.set(infoHash, { torrent, settle, session: null, usedAt: performance.now() });
    setTimeout(() => {
      if (awake.get(infoHash)?.session === null) rest(infoHash);
    }, LOAD_TIMEOUT);
    ports.ask(infoHash);
    return torrent;
  };
  const load = (infoHash: string, content: OfferedContent | null): void => {
    const entry = awake.get(infoHash);
    if (entry?.session !== null) return;
    if (content === null) {
      rest(infoHash);
      return;
    }
    entry.session = ports.seed(infoHash, content, {
      ready: () => {
        const torrent = find(infoHash);
        if (torrent !== undefined) dropEnded(torrent);
        entry.settle(torrent ?? null);
      },
      failed: (message) => {
        // Who asks next would hear the same.
        remove(infoHash);
        ports.warn(`${infoHash} is not seeded any more: ${message}`);
      },
    });
  };

  const get = webTorrent.get.bind(webTorrent);
  webTorrent.get = async (infoHash) => (await get(infoHash)) ?? wake(infoHash);
  setInterval(() => {
    for (const [infoHash] of awake) {
      const entry = awake.get(infoHash);
      if (entry !== undefined && find(infoHash)?.wires.length) entry.usedAt = performance.now();
    }
    for (const [infoHash, { usedAt }] of idle()) {
      if (performance.now() - usedAt > IDLE) rest(infoHash);
    }
  }, LOOK);

  return {
    add: (offers) => {
      for (const { infoHash, trackers } of offers) {
        if (offered.has(infoHash)) continue;
        const [peerId, port] = [webTorrent.peerId, webTorrent.torrentPort];
        const announced = { infoHash, peerId, port, trackers, progress, onPeer: null };
        offered.set(infoHash, announcer.start(announced));
      }
    },
    remove: (infoHashes) => {
      infoHashes.forEach(remove);
    },
    load,
  };
}

/** WebTorrent would keep a peer for ever that left while its torrent was loaded. */
function dropEnded(torrent: Torrent): void {
  const add = torrent._addIncomingPeer.bind(torrent);
  torrent._addIncomingPeer = (peer) => {
    if (!peer.destroyed) add(peer);
  };
}
