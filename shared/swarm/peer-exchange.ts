import { BlockList, isIP } from 'node:net';

import type { Wire } from 'webtorrent';

import { isDebshoalError } from '../errors.js';
import { decodeBencode, encodeBencode, isDictionary } from '../torrent/bencode.js';
import { normaliseAddress, splitPeer } from './addresses.js';
import { decodeCompactPeers, encodeCompactPeers } from './compact-peers.js';
import { isPrivateAddress, type LocalNetwork } from './local-network.js';
import { useExtension } from './wire-extension.js';

/** BEP 11: one message a minute, with at most 50 peers each way. */
const INTERVAL = 60_000;
const MAX_PEERS = 50;
/** Clocks and networks are not exact. */
const MIN_INTERVAL = 45_000;
/** Who goes on sending more often is of no use. */
const MAX_EARLY = 10;
const MAX_MESSAGE = 4096;
/** Peers taken for one torrent in all: each costs a connection attempt or four. */
const MAX_TAKEN = 200;

/** Nothing that listens to peers has such an address. 100.64/10 is the provider's, not ours. */
const UNUSABLE = new BlockList();
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['100.64.0.0', 10],
  ['224.0.0.0', 3],
] as const) {
  UNUSABLE.addSubnet(address, bits, 'ipv4');
}
UNUSABLE.addSubnet('ff00::', 8, 'ipv6');
UNUSABLE.addAddress('::', 'ipv6');

export interface PeerExchangeOptions {
  readonly network: LocalNetwork;
  /** False: others are heard, and nothing is told. */
  readonly tell: boolean;
  readonly onPeer: (peer: string) => void;
}

/** Peers of one torrent tell each other of others (BEP 11). Never for a private torrent. */
export interface PeerExchange {
  /** In the torrent's `wire` event. */
  readonly attach: (wire: Wire) => void;
  readonly stop: () => void;
}

interface Attached {
  readonly local: boolean;
  /** Where it listens, as far as it is known. */
  listens: string | null;
  readonly told: Set<string>;
  readonly send: (payload: Uint8Array) => void;
}

export function startPeerExchange(options: PeerExchangeOptions): PeerExchange {
  const { network } = options;
  const wires = new Map<Wire, Attached>();
  const taken = new Set<string>();

  const tell = (wire: Wire): void => {
    const to = wires.get(wire);
    if (!options.tell || to === undefined) return;
    const others = [...wires]
      // An address of the own network means nothing to others, and is none of their business.
      .filter(([other, { local }]) => other !== wire && (to.local || !local))
      .flatMap(([, { listens }]) => (listens === null ? [] : [listens]));
    const added = others.filter((peer) => !to.told.has(peer)).slice(0, MAX_PEERS);
    const dropped = [...to.told].filter((peer) => !others.includes(peer)).slice(0, MAX_PEERS);
    if (added.length === 0 && dropped.length === 0) return;
    for (const peer of added) to.told.add(peer);
    for (const peer of dropped) to.told.delete(peer);
    to.send(encodePeerExchange(added, dropped));
  };

  const timer = setInterval(() => {
    for (const wire of wires.keys()) tell(wire);
  }, INTERVAL);

  return {
    attach: (wire) => {
      const address = normaliseAddress(wire.remoteAddress ?? '');
      const local = network.includes(address);
      let heardAt = -Infinity;
      let early = 0;
      const send = useExtension(wire, 'ut_pex', {
        onSupported: ({ p: port }) => {
          const attached = wires.get(wire);
          if (attached === undefined) return;
          if (wire.type.endsWith('Incoming')) attached.listens = peerOf(address, port);
          tell(wire);
        },
        onMessage: (payload) => {
          const now = performance.now();
          if (now - heardAt < MIN_INTERVAL) {
            if (++early > MAX_EARLY) wire.destroy();
            return;
          }
          heardAt = now;
          for (const peer of parsePeerExchange(payload)) {
            if (taken.size >= MAX_TAKEN || taken.has(peer)) continue;
            if (!mayBeTold(peer, address, network)) continue;
            taken.add(peer);
            options.onPeer(peer);
          }
        },
      });
      const listens = wire.type.endsWith('Outgoing') ? peerOf(address, wire.remotePort) : null;
      wires.set(wire, { local, listens, told: new Set(), send });
      wire.once('close', () => wires.delete(wire));
    },
    stop: () => {
      clearInterval(timer);
      wires.clear();
    },
  };
}

/** The peers of a message from anybody; those beyond 50, and all of a malformed one, are left out. */
export function parsePeerExchange(payload: Uint8Array): string[] {
  if (payload.length > MAX_MESSAGE) return [];
  try {
    const { value } = decodeBencode(payload, false);
    if (!isDictionary(value)) return [];
    const listOf = (key: string, family: 4 | 6): string[] => {
      const bytes = value.get(key);
      return bytes instanceof Uint8Array ? decodeCompactPeers(bytes, family, MAX_PEERS) : [];
    };
    return [...listOf('added', 4), ...listOf('added6', 6)].slice(0, MAX_PEERS);
  } catch (error) {
    if (!isDebshoalError(error, 'torrent-malformed')) throw error;
    return [];
  }
}

export function encodePeerExchange(added: readonly string[], dropped: readonly string[]): Buffer {
  const [more, less] = [encodeCompactPeers(added), encodeCompactPeers(dropped)];
  return encodeBencode({
    added: more.v4,
    'added.f': Buffer.alloc(more.v4.length / 6),
    added6: more.v6,
    'added6.f': Buffer.alloc(more.v6.length / 18),
    dropped: less.v4,
    dropped6: less.v6,
  });
}

/**
 * Whether `sender` may send us to this peer: strangers not into our own network, and nobody to a
 * service of this machine, or to one that is not BitTorrent's.
 */
export function mayBeTold(peer: string, sender: string, network: LocalNetwork): boolean {
  const split = splitPeer(peer);
  if (split === null || split.port < 1024) return false;
  const address = normaliseAddress(split.address);
  if (UNUSABLE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) return false;
  if (isLoopback(address)) return isLoopback(sender);
  return !isPrivateAddress(address) || (network.includes(sender) && network.includes(address));
}

function isLoopback(address: string): boolean {
  return /^127\.|^(0*:)+0*1$/.test(normaliseAddress(address));
}

function peerOf(address: string, port: unknown): string | null {
  // A link-local address means nothing without the interface, which each computer names its own way.
  if (typeof port !== 'number' || /^fe80:/i.test(address)) return null;
  const peer = isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
  return splitPeer(peer) === null ? null : peer;
}
