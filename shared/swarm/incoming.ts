import type { Server, Socket } from 'node:net';

import { subscriberOf } from './addresses.js';

/** A handshake is one packet; who takes longer has a reason that is not ours. */
const HANDSHAKE_TIMEOUT = 5000;
/**
 * Connections that have not shown a handshake yet, in all and of one address. A neighbour that joins
 * many torrents makes a connection for each, all at once.
 */
const MAX_NAMELESS = 60;
const MAX_NAMELESS_OF_ADDRESS = 30;
/** Share of all connections that one address may have, be it a house behind one router. */
const MAX_SHARE = 1 / 2;
/** A peer says something every two minutes (BEP 3). */
const SILENCE_TIMEOUT = 150_000;
/** A connection without content for so long makes room for another. */
const IDLE = 60_000;

export interface IncomingOptions {
  readonly maxConnections: number;
  readonly answers: (address: string) => boolean;
}

export interface IncomingGuard {
  /** The connection has shown the handshake of a torrent that we have. */
  readonly named: (socket: Socket) => void;
  /** Content went over it. */
  readonly used: (socket: Socket) => void;
}

/** WebTorrent accepts everybody, waits 25 s for a handshake, and never ends an idle connection. */
export function guardIncoming(server: Server, options: IncomingOptions): IncomingGuard {
  /** When content last went over each. */
  const open = new Map<Socket, number>();
  const nameless = new Map<Socket, NodeJS.Timeout>();

  const countOf = (sockets: Iterable<Socket>, address: string): number =>
    [...sockets].filter((socket) => addressOf(socket) === address).length;
  /** The connection that has been of no use for longest. */
  const idlest = (): Socket | undefined => {
    const now = performance.now();
    return [...open]
      .filter(([socket, at]) => now - at > IDLE && !nameless.has(socket))
      .sort(([, a], [, b]) => a - b)[0]?.[0];
  };
  const hasRoom = (address: string): boolean => {
    if (nameless.size >= MAX_NAMELESS) return false;
    if (countOf(nameless.keys(), address) >= MAX_NAMELESS_OF_ADDRESS) return false;
    if (countOf(open.keys(), address) >= Math.max(1, options.maxConnections * MAX_SHARE))
      return false;
    if (open.size < options.maxConnections) return true;
    const leaving = idlest();
    leaving?.destroy();
    return leaving !== undefined;
  };

  server.prependListener('connection', (socket: Socket) => {
    const address = addressOf(socket);
    if (!options.answers(address) || !hasRoom(address)) {
      // WebTorrent's own listener ignores a socket that is destroyed already.
      socket.destroy();
      return;
    }
    open.set(socket, performance.now());
    nameless.set(
      socket,
      setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT),
    );
    socket.setTimeout(SILENCE_TIMEOUT, () => socket.destroy());
    socket.once('close', () => {
      open.delete(socket);
      forgetTimer(socket);
    });
  });

  const forgetTimer = (socket: Socket): void => {
    clearTimeout(nameless.get(socket));
    nameless.delete(socket);
  };
  return {
    named: forgetTimer,
    used: (socket) => {
      if (open.has(socket)) open.set(socket, performance.now());
    },
  };
}

function addressOf(socket: Socket): string {
  return subscriberOf(socket.remoteAddress ?? '');
}
