import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

import type { AddressFilter } from './addresses.js';
import { heardPeers, type HeardPeers } from './heard-peers.js';
import { encodeLanMessage, MAX_LAN_HASHES, parseLanMessage } from './lan-message.js';
import type { LocalInterface, LocalNetwork } from './local-network.js';
import { packetLimiter } from './packet-limiter.js';

const PORT = 6771;
const GROUPS = {
  4: { address: '239.192.152.143', host: '239.192.152.143:6771', type: 'udp4', any: '0.0.0.0' },
  6: { address: 'ff15::efc0:988f', host: '[ff15::efc0:988f]:6771', type: 'udp6', any: '::' },
} as const;

/**
 * BEP 14 asks for at most one packet a minute. Over time that is kept; but a client that joins
 * another torrent within the minute must be heard before a mirror has delivered it.
 */
const MINUTE = 60_000;
const BURST = 4;
/** Torrents that join in the same moment share a packet. */
const GATHER = 5;
/** A torrent is announced again so often, and others forget it after three times that. */
const REPEAT = 5 * MINUTE;

export interface LanDiscoveryOptions {
  /** TCP port of this client, once it is known. */
  readonly port: () => number;
  readonly network: LocalNetwork;
  readonly filter: AddressFilter;
  /** Somebody has, or wants, a torrent that was added. */
  readonly onPeer: (infoHash: string, peer: string) => void;
}

export interface LanDiscovery {
  /** Announces a torrent. Returns those of whom it was heard already. */
  readonly add: (infoHash: string) => readonly string[];
  readonly remove: (infoHash: string) => void;
  readonly close: () => void;
}

/**
 * Finds peers on the networks that this machine is plugged into (BEP 14), over IPv4 and IPv6 on each
 * interface. Without an interface, or with the port taken, it finds nobody. Senders outside the own
 * private subnets are not heard; what is heard of torrents not added yet is kept for a while, within
 * bounds, so that a download knows its neighbours at once.
 */
export function startLanDiscovery(options: LanDiscoveryOptions): LanDiscovery {
  const { network, filter } = options;
  const cookie = randomBytes(8).toString('hex');
  /** Torrents of ours and when each was announced; those never announced come first. */
  const ours = new Map<string, number>();
  const heard: HeardPeers = heardPeers(3 * REPEAT);
  const limiter = packetLimiter();
  const listeners = ([4, 6] as const).map((family) => listen(family, network, onPacket));
  const senders = new Map<string, Socket>();
  let allowance = BURST;
  let refilledAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function onPacket(packet: Buffer, { address, family }: RemoteInfo): void {
    if (!network.includes(address) || filter.blocks(address)) return;
    if (!limiter.accepts(address)) return;
    const message = parseLanMessage(packet);
    if (message === null || message.cookie === cookie) return;
    const peer = family === 'IPv6' ? `[${address}]:${message.port}` : `${address}:${message.port}`;
    for (const infoHash of message.infoHashes) {
      heard.remember(infoHash, peer, address);
      if (ours.has(infoHash)) options.onPeer(infoHash, peer);
    }
  }

  const schedule = (delay: number): void => {
    if (closed) return;
    clearTimeout(timer);
    timer = setTimeout(announce, delay);
    timer.unref();
  };

  const announce = (): void => {
    const now = performance.now();
    allowance = Math.min(BURST, allowance + (now - refilledAt) / MINUTE);
    refilledAt = now;
    const due = [...ours]
      .filter(([, at]) => now - at >= REPEAT)
      .sort(([, a], [, b]) => a - b)
      .map(([infoHash]) => infoHash);
    const infoHashes = due.slice(0, MAX_LAN_HASHES);
    if (infoHashes.length > 0 && allowance >= 1) {
      allowance--;
      for (const infoHash of infoHashes) ours.set(infoHash, now);
      send(infoHashes);
    }
    const more = due.length > infoHashes.length || allowance < 1;
    schedule(!more ? MINUTE : allowance >= 1 ? GATHER : (1 - allowance) * MINUTE);
  };

  const send = (infoHashes: readonly string[]): void => {
    for (const nearby of network.interfaces()) {
      const { address, host } = GROUPS[nearby.family];
      const packet = encodeLanMessage({ port: options.port(), infoHashes, cookie }, host);
      const scope = nearby.family === 6 ? `%${nearby.name}` : '';
      senderFor(nearby)?.send(packet, PORT, `${address}${scope}`, () => undefined);
    }
  };

  /** A socket for each interface: a shared one would send to whichever was set last. */
  const senderFor = (nearby: LocalInterface): Socket | undefined => {
    const key = `${nearby.name} ${nearby.address}`;
    const known = senders.get(key);
    if (known !== undefined) return known;
    const socket = createSocket({ type: GROUPS[nearby.family].type });
    socket.on('error', () => {
      senders.delete(key);
    });
    const scoped = nearby.address.startsWith('fe80:')
      ? `${nearby.address}%${nearby.name}`
      : nearby.address;
    socket.bind(0, scoped, () => {
      const scope = nearby.family === 6 ? `::%${nearby.name}` : nearby.address;
      attempt(() => {
        socket.setMulticastInterface(scope);
      });
    });
    socket.unref();
    senders.set(key, socket);
    return socket;
  };

  const rejoin = setInterval(() => {
    for (const listener of listeners) listener.joinAll();
  }, MINUTE);
  rejoin.unref();

  return {
    add: (infoHash) => {
      ours.set(infoHash, -Infinity);
      schedule(GATHER);
      return heard.of(infoHash);
    },
    remove: (infoHash) => {
      ours.delete(infoHash);
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
      clearInterval(rejoin);
      const sockets = [...listeners.map(({ socket }) => socket), ...senders.values()];
      for (const socket of sockets) attempt(() => socket.close());
    },
  };
}

interface Listener {
  readonly socket: Socket;
  /** Joins the group on interfaces that were not there before. */
  readonly joinAll: () => void;
}

function listen(
  family: 4 | 6,
  network: LocalNetwork,
  onPacket: (packet: Buffer, from: RemoteInfo) => void,
): Listener {
  const { type, any, address: group } = GROUPS[family];
  // Other clients of this machine listen on the same port.
  const socket = createSocket({ type, reuseAddr: true, ipv6Only: family === 6 });
  const joinAll = (): void => {
    for (const { name, address, family: its } of network.interfaces()) {
      // Joining twice is an error that means nothing.
      if (its !== family) continue;
      attempt(() => {
        socket.addMembership(group, family === 4 ? address : `::%${name}`);
      });
    }
  };
  socket.on('message', onPacket);
  socket.on('error', () => undefined);
  // Before it is bound, joining would bind it to another port.
  socket.bind({ port: PORT, address: any }, joinAll);
  socket.unref();
  return { socket, joinAll };
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // An interface that went away, a socket that is closed: there is nobody to find then.
  }
}
