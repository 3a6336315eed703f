import type { Wire } from 'webtorrent';

import { hasEverything } from './peer-pieces.js';

/** Without content for so long a neighbour is not the one to wait for. */
const SILENCE = 3000;
const CHECK = 1000;
/** Strangers that are held back for one torrent. */
const MAX_HELD = 200;

/** Calls strangers for one torrent only as long as no neighbour delivers all of it. */
export interface LocalFirst {
  /** Calls a stranger now, or when the neighbours stop delivering. */
  readonly offer: (stranger: string) => void;
  /** A wire with a peer of the own networks. */
  readonly attach: (neighbour: Wire) => void;
  readonly stop: () => void;
}

/** `pieces` is the number of the torrent's pieces. */
export function startLocalFirst(
  pieces: () => number,
  call: (stranger: string) => void,
): LocalFirst {
  /** When content last came over each. */
  const neighbours = new Map<Wire, number>();
  const held = new Set<string>();
  const delivers = (): boolean =>
    [...neighbours].some(
      ([wire, at]) =>
        !wire.peerChoking && performance.now() - at < SILENCE && hasEverything(wire, pieces()),
    );
  const release = (): void => {
    if (held.size === 0 || delivers()) return;
    const strangers = [...held];
    held.clear();
    for (const stranger of strangers) call(stranger);
  };
  const timer = setInterval(release, CHECK);
  return {
    offer: (stranger) => {
      if (!delivers()) call(stranger);
      else if (held.size < MAX_HELD) held.add(stranger);
    },
    attach: (wire) => {
      neighbours.set(wire, performance.now());
      wire.on('download', () => neighbours.set(wire, performance.now()));
      wire.once('close', () => {
        neighbours.delete(wire);
        release();
      });
    },
    stop: () => {
      clearInterval(timer);
      held.clear();
    },
  };
}
