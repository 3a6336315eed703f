import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';

import { DebshoalError } from '../../errors.js';
import { normaliseAddress } from '../addresses.js';
import { decodeCompactPeers } from '../compact-peers.js';
import {
  MAX_ANSWER_PEERS,
  TrackerRefusal,
  type Announcement,
  type TrackerAnswer,
} from './announcement.js';

/** BEP 15 waits 15 s, doubled eight times; HTTP has delivered by then. */
const TIMEOUTS = [3000, 6000];
/** BEP 15: so long a connection id may be used. */
const CONNECTION = 60_000;
const MAGIC = Buffer.from('0000041727101980', 'hex');
const ACTIONS = { connect: 0, announce: 1, error: 3 };
const EVENTS = { started: 2, stopped: 3 };

export interface UdpTrackers {
  /** `url` is `udp://host:port`. Fails with `swarm-failed`. */
  readonly announce: (url: string, announcement: Announcement) => Promise<TrackerAnswer>;
  readonly close: () => void;
}

interface Target {
  readonly address: string;
  readonly port: number;
  readonly family: 4 | 6;
}

/** Announces over UDP (BEP 15): one socket for each family, whatever the trackers and torrents. */
export function openUdpTrackers(): UdpTrackers {
  const sockets = new Map<4 | 6, Socket>();
  const waiting = new Map<number, { target: Target; answer: (packet: Buffer | Error) => void }>();
  const connections = new Map<string, { id: Promise<Buffer>; at: number }>();
  let closed = false;

  const onPacket = (packet: Buffer, from: RemoteInfo): void => {
    if (packet.length < 8) return;
    const asked = waiting.get(packet.readUInt32BE(4));
    // Anybody may send to the port; only the tracker is heard.
    if (asked === undefined || asked.target.port !== from.port) return;
    if (asked.target.address !== normaliseAddress(from.address)) return;
    asked.answer(packet);
  };
  const socketFor = (family: 4 | 6): Socket => {
    const socket = sockets.get(family) ?? createSocket({ type: family === 4 ? 'udp4' : 'udp6' });
    if (!sockets.has(family))
      socket
        .on('message', onPacket)
        .on('error', () => undefined)
        .unref();
    sockets.set(family, socket);
    return socket;
  };

  /** Sends until there is an answer; `body` follows the transaction id. */
  const ask = async (
    target: Target,
    action: number,
    before: Buffer,
    body: Buffer,
  ): Promise<Buffer> => {
    for (const timeout of TIMEOUTS) {
      if (closed) break;
      const transaction = randomBytes(4);
      const kind = Buffer.alloc(4);
      kind.writeUInt32BE(action);
      const answer = await new Promise<Buffer | Error | null>((resolve) => {
        const timer = setTimeout(resolve, timeout, null).unref();
        waiting.set(transaction.readUInt32BE(0), {
          target,
          answer: (packet) => {
            clearTimeout(timer);
            resolve(packet);
          },
        });
        const packet = Buffer.concat([before, kind, transaction, body]);
        socketFor(target.family).send(packet, target.port, target.address, (error) => {
          if (error !== null) resolve(error);
        });
      });
      waiting.delete(transaction.readUInt32BE(0));
      if (answer instanceof Error) throw answer;
      if (answer === null) continue;
      const kindOf = answer.readUInt32BE(0);
      if (kindOf === ACTIONS.error)
        throw new TrackerRefusal(answer.subarray(8, 208).toString('latin1'));
      if (kindOf === action) return answer;
    }
    throw new Error('no answer');
  };

  const connect = (target: Target): Promise<Buffer> => {
    const key = `${target.address} ${target.port}`;
    const known = connections.get(key);
    if (known !== undefined && performance.now() - known.at < CONNECTION) return known.id;
    const id = ask(target, ACTIONS.connect, MAGIC, Buffer.alloc(0)).then((packet) => {
      if (packet.length < 16) throw new Error('a short answer');
      return packet.subarray(8, 16);
    });
    id.catch(() => connections.delete(key));
    connections.set(key, { id, at: performance.now() });
    return id;
  };

  return {
    announce: async (url, announcement) => {
      try {
        const target = await resolveTarget(url);
        const id = await connect(target);
        const packet = await ask(target, ACTIONS.announce, id, bodyOf(announcement));
        if (packet.length < 20) throw new Error('a short answer');
        const peers = decodeCompactPeers(packet.subarray(20), target.family, MAX_ANSWER_PEERS);
        return { interval: packet.readUInt32BE(8) * 1000, peers };
      } catch (cause) {
        throw new DebshoalError('swarm-failed', `tracker ${url}: ${String(cause)}`, { cause });
      }
    },
    close: () => {
      closed = true;
      for (const socket of sockets.values()) socket.close();
      for (const { answer } of waiting.values()) answer(new Error('closed'));
    },
  };
}

async function resolveTarget(url: string): Promise<Target> {
  // The URL parser knows hosts and ports of `http:` alone.
  const { hostname, port } = new URL(url.replace(/^udp:/, 'http:'));
  const found = await lookup(hostname.replace(/^\[(.*)\]$/, '$1'));
  return { address: found.address, family: found.family === 6 ? 6 : 4, port: Number(port || 80) };
}

function bodyOf(announcement: Announcement): Buffer {
  const { infoHash, peerId, port, uploaded, downloaded, left, event, wanted } = announcement;
  const numbers = Buffer.alloc(42);
  numbers.writeBigUInt64BE(BigInt(downloaded), 0);
  numbers.writeBigUInt64BE(BigInt(left), 8);
  numbers.writeBigUInt64BE(BigInt(uploaded), 16);
  numbers.writeUInt32BE(event === null ? 0 : EVENTS[event], 24);
  // Address 0 is the sender's; the key tells two clients behind one address apart.
  numbers.writeUInt32BE(Buffer.from(peerId, 'hex').readUInt32BE(16), 32);
  numbers.writeInt32BE(wanted, 36);
  numbers.writeUInt16BE(port, 40);
  return Buffer.concat([Buffer.from(infoHash, 'hex'), Buffer.from(peerId, 'hex'), numbers]);
}
