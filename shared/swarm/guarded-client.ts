import net, { type Server, type Socket } from 'node:net';

import bencode from 'bencode';
import WebTorrent, { type Torrent, type Wire } from 'webtorrent';

import { decodeBencode } from '../torrent/bencode.js';
import { addressFilter, normaliseAddress, splitPeer, type AddressFilter } from './addresses.js';
import type { ChildOptions } from './messages.js';

/** WebTorrent with everything off that is unsafe, and our own limits on connections. */
export interface GuardedClient {
  readonly webTorrent: WebTorrent;
  readonly upload: boolean;
  readonly filter: AddressFilter;
  /** Puts the guards on a torrent that was just added. */
  readonly guard: (torrent: Torrent, onError: (error: Error) => void) => void;
  /** Connects to `address:port` unless it is blocked or there are connections enough. */
  readonly connect: (torrent: Torrent, peer: string) => void;
}

/**
 * Starts WebTorrent. DHT, LSD (one UDP packet kills the process), UPnP, uTP, PEX, web seeds, trackers
 * and encryption (50 ms for each connection) are off; what we need of them is built beside it.
 */
export function startGuardedClient(
  options: ChildOptions,
  onError: (error: Error) => void,
): GuardedClient {
  guardBencode();
  const filter = addressFilter(options.blocklist);
  const webTorrent = withListenHost(
    options.host,
    () =>
      new WebTorrent({
        torrentPort: options.port,
        maxConns: options.maxConnections,
        uploadLimit: options.uploadBytesPerSecond,
        downloadLimit: options.downloadBytesPerSecond,
        dht: false,
        lsd: false,
        natUpnp: false,
        natPmp: false,
        utp: false,
        utPex: false,
        webSeeds: false,
        tracker: false,
        secure: 0,
      }),
  );
  webTorrent.on('error', onError);
  guardIncoming(webTorrent._connPool.tcpServer, options, filter);

  const connections = (): number =>
    webTorrent.torrents.reduce((sum, torrent) => sum + torrent._peersLength, 0);

  return {
    webTorrent,
    upload: options.upload,
    filter,
    guard: (torrent, onTorrentError) => {
      // Without a listener of its own a torrent's error would reach the client and end everything.
      torrent.on('error', onTorrentError);
      torrent.on('wire', (wire: Wire, peer?: string) => {
        guardWire(torrent, wire, peer);
      });
    },
    connect: (torrent, peer) => {
      const address = splitPeer(peer)?.address;
      if (address === undefined || filter.blocks(address) || torrent.destroyed) return;
      if (connections() >= options.maxConnections) return;
      torrent.addPeer(peer);
    },
  };

  function guardWire(torrent: Torrent, wire: Wire, peer: string | undefined): void {
    const ourselves = wire.peerId === webTorrent.peerId;
    // WebTorrent calls a lost peer again without asking its blocklist, so every wire is checked.
    if (ourselves || filter.blocks(wire.remoteAddress ?? '')) {
      wire.destroy();
      return;
    }
    // Nagle and delayed acknowledgements cost 40 ms several times for each small torrent.
    if (peer !== undefined) torrent._peers?.get(peer)?.conn?.setNoDelay(true);
    // WebTorrent unchokes whoever is interested, even with `uploads: false`. A peer that stays
    // choked is refused every request, and nothing here ever grants an "allowed fast" piece.
    if (!options.upload) wire.unchoke = () => undefined;
  }
}

/**
 * WebTorrent always listens on `::`. Its server is made and bound inside the constructor, so for
 * that moment the server it gets binds to `host`.
 */
function withListenHost<T>(host: string, construct: () => T): T {
  const original = net.createServer;
  net.createServer = (): Server => {
    const server = original({ noDelay: true });
    const listen = server.listen.bind(server);
    server.listen = ((port: number, done: () => void) => listen(port, host, done)) as never;
    return server;
  };
  try {
    return construct();
  } finally {
    net.createServer = original;
  }
}

/** `maxConns` and `blocklist` of WebTorrent are not applied to incoming connections. */
function guardIncoming(server: Server, options: ChildOptions, filter: AddressFilter): void {
  const open = new Set<Socket>();
  server.prependListener('connection', (socket) => {
    const address = normaliseAddress(socket.remoteAddress ?? '');
    if (!options.upload || open.size >= options.maxConnections || filter.blocks(address)) {
      // WebTorrent's own listener ignores a socket that is destroyed already.
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
}

/**
 * bencode 4 runs for ever on `l-3:`, and every peer and tracker can send that: a strict scan goes
 * before it, in this process.
 */
function guardBencode(): void {
  const original = bencode.decode;
  bencode.decode = (data, ...rest) => {
    decodeBencode(typeof data === 'string' ? Buffer.from(data) : data, false);
    return original(data, ...rest);
  };
}
