import { isIPv4, isIPv6 } from 'node:net';

import { bytesOfV6, normaliseAddress, splitPeer } from './addresses.js';

/** Peers in bytes as trackers and peers pass them on (BEP 7, 11, 23): address, then port. */
export interface CompactPeers {
  /** 6 bytes each. */
  readonly v4: Buffer;
  /** 18 bytes each. */
  readonly v6: Buffer;
}

const LENGTHS = { 4: 6, 6: 18 } as const;

/** `peers` are `address:port`; what is none is left out. */
export function encodeCompactPeers(peers: Iterable<string>): CompactPeers {
  const [v4, v6]: [Buffer[], Buffer[]] = [[], []];
  for (const peer of peers) {
    const split = splitPeer(peer);
    if (split === null) continue;
    const address = normaliseAddress(split.address);
    const port = Buffer.from([split.port >> 8, split.port & 255]);
    if (isIPv4(address))
      v4.push(Buffer.concat([Buffer.from(address.split('.').map(Number)), port]));
    else if (isIPv6(address)) v6.push(Buffer.concat([bytesOfV6(address), port]));
  }
  return { v4: Buffer.concat(v4), v6: Buffer.concat(v6) };
}

/** At most `max` peers as `address:port`; an incomplete one at the end, and port 0, are left out. */
export function decodeCompactPeers(bytes: Uint8Array, family: 4 | 6, max: number): string[] {
  const length = LENGTHS[family];
  const peers: string[] = [];
  for (let at = 0; at + length <= bytes.length && peers.length < max; at += length) {
    const entry = Buffer.from(bytes.subarray(at, at + length));
    const port = entry.readUInt16BE(length - 2);
    if (port === 0) continue;
    const address =
      family === 4 ? entry.subarray(0, 4).join('.') : `[${groupsOf(entry.subarray(0, 16))}]`;
    peers.push(`${address}:${port}`);
  }
  return peers;
}

function groupsOf(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16)).join(':');
}
