import { EventEmitter } from 'node:events';

import { expect, test } from 'vitest';

import { keepSparePeers } from '../../../shared/swarm/spare-peers.js';

test('a neighbour is called however many strangers were', () => {
  const peers = new Map<string, { type: string }>();
  const torrent = Object.assign(new EventEmitter(), { destroyed: false, wires: [], _peers: peers });
  const called: string[] = [];
  const later = keepSparePeers(
    (_, peer) => {
      called.push(peer);
      peers.set(peer, { type: 'tcpOutgoing' });
      return true;
    },
    (peer) => peer.startsWith('192.168.'),
  );
  for (let i = 1; i <= 20; i++) later(torrent as never, `198.51.100.${i}:6881`);
  expect(called.length).toBeLessThan(20);
  later(torrent as never, '192.168.1.9:6881');
  expect(called.at(-1)).toBe('192.168.1.9:6881');
});
