import WebTorrent, { type Torrent, type Wire } from 'webtorrent';

import { addressFilter, splitPeer, type AddressFilter } from './addresses.js';
import { openAnnouncer, type Announcer } from './announcer.js';
import { gatherMessages } from './gather-messages.js';
import { guardBencode } from './guard-bencode.js';
import { proveGroup } from './group-proof.js';
import { guardIncoming } from './incoming.js';
import { startLanDiscovery, type LanDiscovery } from './lan-discovery.js';
import { openTellers } from './tellers.js';
import { withListenHost } from './listen-host.js';
import { startLocalFirst, type LocalFirst } from './local-first.js';
import { openLocalNetwork, type LocalNetwork } from './local-network.js';
import type { ChildOptions } from './messages.js';
import { hasEverything } from './peer-pieces.js';
import { mayBeTold, startPeerExchange, type PeerExchange } from './peer-exchange.js';
import { openUploadGate, type UploadGate } from './upload-gate.js';
import { keepSparePeers } from './spare-peers.js';
import { secondConnection } from './second-connection.js';
import { dropUnaskedBlocks } from './unasked-blocks.js';
import { limitWires } from './wire-limits.js';

const PROOF_TIMEOUT = 10_000;

/** WebTorrent with everything off that is unsafe, and our own limits on connections. */
export interface GuardedClient {
  readonly webTorrent: WebTorrent;
  readonly upload: boolean;
  readonly filter: AddressFilter;
  readonly network: LocalNetwork;
  readonly gate: UploadGate;
  readonly announcer: Announcer;
  /** Null when peers are not looked for on the own networks. */
  readonly lan: LanDiscovery | null;
  /** Puts the guards on a torrent that was just added. */
  readonly guard: (torrent: Torrent, options: TorrentGuards) => void;
  /**
   * Connects to `address:port` unless it is blocked or there are connections enough. Peers of the
   * own networks are called first, and get the place of another when all are taken.
   */
  readonly connect: (torrent: Torrent, peer: string) => void;
  /** The same for a peer that a tracker has named, unless it may not send us there. */
  readonly connectTold: (torrent: Torrent, peer: string, tracker: string) => void;
}

export interface TorrentGuards {
  /** Nothing is fetched: peers that have everything are of no use, nor we to them. */
  readonly seeds: boolean;
  /** Only peers of the own networks get something of it. */
  readonly localOnly: boolean;
  /** Nobody but its trackers tells of its peers (BEP 27). */
  readonly private: boolean;
  readonly onError: (error: Error) => void;
  /** Bytes of content sent to a peer. */
  readonly onSent: (bytes: number, local: boolean) => void;
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
  const network = openLocalNetwork();
  const gate = openUploadGate(options, network);
  const limit = limitWires();
  const localFirst = new WeakMap<Torrent, LocalFirst>();
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
  const incoming = guardIncoming(webTorrent._connPool.tcpServer, {
    maxConnections: options.maxConnections,
    answers: (address) => gate.answers(address) && !filter.blocks(address),
  });

  const tellers = openTellers();
  const callLater = keepSparePeers(call, (peer) =>
    network.includes(splitPeer(peer)?.address ?? ''),
  );
  const connections = (): number =>
    webTorrent.torrents.reduce((sum, torrent) => sum + torrent._peersLength, 0);

  const lan = options.lan
    ? startLanDiscovery({
        port: () => webTorrent.torrentPort,
        network,
        filter,
        onPeer: (infoHash, peer) => {
          const torrent = webTorrent.torrents.find((each) => each.infoHash === infoHash);
          if (torrent !== undefined) connect(torrent, peer);
        },
      })
    : null;

  return {
    webTorrent,
    upload: options.upload,
    filter,
    network,
    gate,
    announcer: openAnnouncer(),
    lan,
    guard: (torrent, guards) => {
      // Without a listener of its own a torrent's error would reach the client and end everything.
      torrent.on('error', guards.onError);
      const exchange = guards.private
        ? null
        : startPeerExchange({
            network,
            tell: options.upload,
            onPeer: (peer) => {
              connect(torrent, peer);
            },
          });
      // A seed has nothing to wait for.
      const first = guards.seeds
        ? null
        : startLocalFirst(
            () => torrent.pieces.length,
            (peer) => {
              callLater(torrent, peer);
            },
          );
      if (first !== null) localFirst.set(torrent, first);
      torrent.once('close', () => {
        exchange?.stop();
        first?.stop();
      });
      torrent.on('wire', (wire: Wire, peer?: string) => {
        if (guardWire(torrent, wire, peer, guards)) addExtensions(torrent, wire, exchange);
      });
    },
    connect,
    connectTold: (torrent, peer, tracker) => {
      void tellers.addressOf(tracker).then((teller) => {
        if (mayBeTold(peer, teller, network)) connect(torrent, peer);
      });
    },
  };

  function connect(torrent: Torrent, peer: string): void {
    const first = localFirst.get(torrent);
    const address = splitPeer(peer)?.address ?? '';
    if (first === undefined || network.includes(address)) callLater(torrent, peer);
    else first.offer(peer);
  }

  /** False when all places are taken. */
  function call(torrent: Torrent, peer: string): boolean {
    const address = splitPeer(peer)?.address;
    if (address === undefined || filter.blocks(address) || torrent.destroyed) return true;
    // Called already: no stranger has to go for it.
    if (torrent._peers?.has(peer) === true) return true;
    const local = network.includes(address);
    if (connections() >= options.maxConnections && !(local && dropStranger())) return false;
    torrent.addPeer(peer);
    const called = torrent._peers?.get(peer);
    const at = called === undefined ? -1 : torrent._queue.indexOf(called);
    if (local && called !== undefined && at > 0) {
      torrent._queue.splice(at, 1);
      torrent._queue.unshift(called);
    }
    return true;
  }

  /** Ends the slowest connection beyond the own networks; false when there is none. */
  function dropStranger(): boolean {
    const strangers = webTorrent.torrents
      .flatMap(({ wires }) => wires)
      .filter((wire) => !network.includes(wire.remoteAddress ?? ''))
      .sort((a, b) => a.downloadSpeed() - b.downloadSpeed());
    strangers[0]?.destroy();
    return strangers.length > 0;
  }

  function guardWire(
    torrent: Torrent,
    wire: Wire,
    peer: string | undefined,
    guards: TorrentGuards,
  ): boolean {
    const ourselves = wire.peerId === webTorrent.peerId;
    const entry = peer === undefined ? undefined : torrent._peers?.get(peer);
    // WebTorrent calls a lost peer again without asking its blocklist, so every wire is checked.
    if (ourselves || filter.blocks(wire.remoteAddress ?? '')) {
      wire.destroy();
      return false;
    }
    const second = secondConnection(webTorrent.peerId, wire, torrent.wires, network);
    if (second !== null) {
      // Calling again would only end here again.
      const its = [...(torrent._peers?.values() ?? [])].find((each) => each.wire === second);
      if (its !== undefined) its.retries = Infinity;
      second.destroy();
      if (second === wire) return false;
    }
    const conn = entry?.conn ?? null;
    if (conn !== null) {
      // Nagle and delayed acknowledgements cost 40 ms several times for each small torrent.
      conn.setNoDelay(true);
      gatherMessages(wire, conn);
      incoming.named(conn);
      for (const event of ['upload', 'download']) {
        wire.on(event, () => {
          incoming.used(conn);
        });
      }
    }
    limit(wire);
    dropUnaskedBlocks(wire);
    gate.guard(wire, guards);
    if (network.includes(wire.remoteAddress ?? '')) localFirst.get(torrent)?.attach(wire);
    for (const event of guards.seeds ? ['bitfield', 'have-all', 'have'] : []) {
      wire.on(event, () => {
        if (!hasEverything(wire, torrent.pieces.length)) return;
        if (entry !== undefined) entry.retries = Infinity;
        wire.destroy();
      });
    }
    return true;
  }

  /** They go into the extended handshake, which is sent after this event. */
  function addExtensions(torrent: Torrent, wire: Wire, exchange: PeerExchange | null): void {
    if (options.upload) wire.extendedHandshake['p'] = webTorrent.torrentPort;
    exchange?.attach(wire);
    if (options.groupKey === null) return;
    const incoming = wire.type.endsWith('Incoming');
    const mustProve = incoming && gate.wantsProof(wire.remoteAddress ?? '');
    // Strangers would take the places of members.
    const timer = mustProve
      ? setTimeout(() => {
          wire.destroy();
        }, PROOF_TIMEOUT)
      : undefined;
    wire.once('close', () => {
      clearTimeout(timer);
    });
    proveGroup(wire, {
      key: options.groupKey,
      infoHash: torrent.infoHash,
      ownId: webTorrent.peerId,
      onProven: () => {
        clearTimeout(timer);
        gate.admit(wire);
      },
    });
  }
}
