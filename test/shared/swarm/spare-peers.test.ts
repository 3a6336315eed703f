import { EventEmitter } from 'node:events';

import { expect, test } from 'vitest';

import { keepSparePeers } from '../../../shared/swarm/spare-peers.js';

const torrentOf = (wires: number): { torrent: never; peers: Map<string, { type: string }> } => {
  const peers = new Map<string, { type: string }>();
  const state = { destroyed: false, _peers: peers, wires: Array<null>(wires).fill(null) };
  return { torrent: Object.assign(new EventEmitter(), state) as never, peers };
};
const far = (): boolean => false;
const names = Array.from({ length: 30 }, (_, index) => `192.0.2.${index + 1}:6881`);

test('some are called, and another when a connection has ended', async () => {
  const { torrent, peers } = torrentOf(0);
  const offer = keepSparePeers((_, peer) => {
    peers.set(peer, { type: 'tcpOutgoing' });
    return true;
  }, far);
  for (const name of names) offer(torrent, name);
  const called = peers.size;
  expect(called).toBeGreaterThan(4);
  expect(called).toBeLessThan(names.length);
  const [first = ''] = peers.keys();
  peers.delete(first);
  await expect.poll(() => peers.size, { timeout: 10_000 }).toBe(called);
  expect(peers.has(first)).toBe(false);
});

test('nobody is called by a torrent that enough others have called', () => {
  const { torrent, peers } = torrentOf(20);
  const offer = keepSparePeers(() => {
    throw new Error('called');
  }, far);
  for (const name of names) offer(torrent, name);
  expect(peers.size).toBe(0);
});

test('without room in all a peer is kept for later', async () => {
  const { torrent, peers } = torrentOf(0);
  let room = false;
  const offer = keepSparePeers((_, peer) => {
    if (room) peers.set(peer, { type: 'tcpOutgoing' });
    return room;
  }, far);
  offer(torrent, names[0] ?? '');
  expect(peers.size).toBe(0);
  room = true;
  await expect.poll(() => peers.size, { timeout: 10_000 }).toBe(1);
});

test('a neighbour is called however many strangers were', () => {
  const { torrent, peers } = torrentOf(20);
  const offer = keepSparePeers(
    (_, peer) => {
      peers.set(peer, { type: 'tcpOutgoing' });
      return true;
    },
    (peer) => peer.startsWith('192.168.'),
  );
  for (const name of names) offer(torrent, name);
  offer(torrent, '192.168.1.9:6881');
  expect([...peers.keys()]).toEqual(['192.168.1.9:6881']);
});
