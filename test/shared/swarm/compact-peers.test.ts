import { isIPv6 } from 'node:net';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { decodeCompactPeers, encodeCompactPeers } from '../../../shared/swarm/compact-peers.js';

const port = fc.integer({ min: 1, max: 65_534 });

test('IPv4 peers come back', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.ipV4(), port)), (made) => {
      const peers = made.map(([address, its]) => `${address}:${its}`);
      expect(decodeCompactPeers(encodeCompactPeers(peers).v4, 4, Infinity)).toEqual(peers);
    }),
  );
});

test('IPv6 peers come back, however they are written', () => {
  fc.assert(
    fc.property(fc.ipV6(), port, (address, its) => {
      fc.pre(!/^(0*:)*:?ffff:\d+\./i.test(address));
      const { v6 } = encodeCompactPeers([`[${address}]:${its}`]);
      const [back = ''] = decodeCompactPeers(v6, 6, Infinity);
      expect(isIPv6(back.slice(1, back.indexOf(']')))).toBe(true);
      expect(new URL(`http://${back}`).host).toBe(new URL(`http://[${address}]:${its}`).host);
    }),
  );
});

test('what is no peer is left out, and an incomplete one at the end', () => {
  expect(encodeCompactPeers(['example.org:80', '1.2.3.4', '']).v4).toHaveLength(0);
  expect(decodeCompactPeers(Buffer.from([1, 2, 3, 4, 0, 0, 9, 9]), 4, 10)).toEqual([]);
  expect(decodeCompactPeers(Buffer.alloc(600, 1), 4, 10)).toHaveLength(10);
});
