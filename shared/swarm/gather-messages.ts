import type { Socket } from 'node:net';

import type { Wire } from 'webtorrent';

import { saidHaveAll } from './peer-pieces.js';

/** Milliseconds that the news of a piece may wait for others: peers have enough to do meanwhile. */
const NEWS_WAIT = 100;

/**
 * WebTorrent sends each message in packets of its own, and tells everybody of each piece. With thirty
 * peers that was most of the packets. Here what is said in one turn of the event loop goes together,
 * and of pieces only those are told that lack them.
 */
export function gatherMessages(wire: Wire, socket: Socket): void {
  const push = wire._push.bind(wire);
  let isHeld = false;
  const letGo = (): void => {
    isHeld = false;
    socket.uncork();
  };
  wire._push = (bytes) => {
    if (!isHeld) {
      isHeld = true;
      socket.cork();
      setImmediate(letGo);
    }
    push(bytes);
  };

  const have = wire.have.bind(wire);
  let news: number[] = [];
  let timer: NodeJS.Timeout | null = null;
  const tell = (): void => {
    timer = null;
    for (const index of news) {
      // A seed wants to know when we have, too: then both can part.
      if (saidHaveAll(wire) || !wire.peerPieces.get(index)) have(index);
    }
    news = [];
  };
  wire.have = (index) => {
    news.push(index);
    timer ??= setTimeout(tell, NEWS_WAIT);
  };
  wire.once('close', () => {
    clearTimeout(timer ?? undefined);
  });
}
