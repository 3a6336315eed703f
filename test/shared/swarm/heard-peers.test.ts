import { expect, test } from 'vitest';

import { heardPeers } from '../../../shared/swarm/heard-peers.js';
import { packetLimiter } from '../../../shared/swarm/packet-limiter.js';

const clock = (): { now: () => number; add: (milliseconds: number) => void } => {
  let time = 0;
  return { now: () => time, add: (milliseconds) => (time += milliseconds) };
};

test('peers are remembered, the newest first, and forgotten when they grow old', () => {
  const time = clock();
  const heard = heardPeers(1000, time.now);
  heard.remember('a', '10.0.0.1:1', '10.0.0.1');
  time.add(600);
  heard.remember('a', '10.0.0.2:1', '10.0.0.2');
  expect(heard.of('a')).toEqual(['10.0.0.2:1', '10.0.0.1:1']);
  time.add(600);
  expect(heard.of('a')).toEqual(['10.0.0.2:1']);
  time.add(600);
  expect(heard.of('a')).toEqual([]);
});

test('a sender of endless info hashes displaces only what it said itself', () => {
  const heard = heardPeers(1000, () => 0);
  heard.remember('wanted', '10.0.0.1:1', '10.0.0.1');
  for (let i = 0; i < 10_000; i++) heard.remember(`made ${i}`, '10.0.0.9:1', '10.0.0.9');
  expect(heard.of('wanted')).toEqual(['10.0.0.1:1']);
  expect(heard.of('made 0')).toEqual([]);
  expect(heard.of('made 9999')).toEqual(['10.0.0.9:1']);
});

test('many senders together displace the oldest', () => {
  const heard = heardPeers(1000, () => 0);
  for (let i = 0; i < 5000; i++) heard.remember(`made ${i}`, `${i}:1`, `sender ${i}`);
  expect(heard.of('made 0')).toEqual([]);
  expect(heard.of('made 4999')).toEqual(['4999:1']);
});

test('a torrent of which a thousand ports were announced is one of fifty peers', () => {
  const heard = heardPeers(1000, () => 0);
  for (let i = 0; i < 1000; i++) heard.remember('a', `10.0.0.9:${i}`, `10.0.${i >> 8}.${i & 255}`);
  expect(heard.of('a')).toHaveLength(50);
});

test('a flood is not read: of one sender, and of all', () => {
  const time = clock();
  const limiter = packetLimiter(time.now);
  const accepted = (count: number, sender: (i: number) => string): number =>
    Array.from({ length: count }, (_, i) => limiter.accepts(sender(i))).filter(Boolean).length;
  expect(accepted(500, () => 'one')).toBe(60);
  expect(limiter.accepts('another')).toBe(true);
  expect(accepted(5000, (i) => `forged ${i}`)).toBe(1000 - 61);
  time.add(60_000);
  expect(limiter.accepts('one')).toBe(true);
});
