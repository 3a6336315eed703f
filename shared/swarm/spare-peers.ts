import type { Torrent } from 'webtorrent';

/**
 * Connections that we begin for one torrent; about as many come from others. More cost more in news
 * of pieces than they bring in speed, and the last of many torrents would find all places taken.
 */
const MAX_CALLED = 8;
/** With so many, whoever called, there is no need of another. */
const ENOUGH = 2 * MAX_CALLED;
/** Peers that are remembered of one torrent. */
const MAX_SPARE = 200;
const RETRY = 1000;

/**
 * Returns what calls the peers of torrents: at once, or when connections have ended. `call` tells
 * whether there was room for one more in all. Of those that are `isLocal` any number is called.
 */
export function keepSparePeers(
  call: (torrent: Torrent, peer: string) => boolean,
  isLocal: (peer: string) => boolean,
): (torrent: Torrent, peer: string) => void {
  const spare = new Map<Torrent, Spare>();
  const callSome = (torrent: Torrent, { near, far }: Spare): void => {
    // Neighbours cost nobody anything, and most often have the shortest way.
    for (const peer of near) {
      if (!call(torrent, peer)) return;
      near.delete(peer);
    }
    for (const peer of far) {
      if (torrent.wires.length >= ENOUGH || countCalled(torrent) >= MAX_CALLED) return;
      if (!call(torrent, peer)) return;
      far.delete(peer);
    }
  };
  // WebTorrent does not say when a call has failed.
  setInterval(() => {
    for (const [torrent, peers] of spare) callSome(torrent, peers);
  }, RETRY).unref();
  return (torrent, peer) => {
    if (torrent.destroyed) return;
    const known = spare.get(torrent);
    const peers: Spare = known ?? { near: new Set(), far: new Set() };
    if (known === undefined) {
      spare.set(torrent, peers);
      torrent.once('close', () => spare.delete(torrent));
    }
    const group = isLocal(peer) ? peers.near : peers.far;
    if (group.size < MAX_SPARE) group.add(peer);
    callSome(torrent, peers);
  };
}

/** Peers of a torrent that are not called yet. */
interface Spare {
  readonly near: Set<string>;
  readonly far: Set<string>;
}

/** Connections that we have begun, or are about to. */
function countCalled({ _peers: peers }: Torrent): number {
  let count = 0;
  for (const { type } of peers?.values() ?? []) if (type.endsWith('Outgoing')) count++;
  return count;
}
