import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';

import {
  encodePeerExchange,
  mayBeTold,
  parsePeerExchange,
  startPeerExchange,
  type PeerExchange,
} from '../../../shared/swarm/peer-exchange.js';
import { encodeBencode } from '../../../shared/torrent/bencode.js';
import { HOME } from '../../support/fake-network.js';
import { fakeWire } from '../../support/fake-wire.js';

const peers = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `198.51.100.${i % 250}:${2000 + i}`);

const exchange = (tell = true): { exchange: PeerExchange; heard: string[] } => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const heard: string[] = [];
  return {
    heard,
    exchange: startPeerExchange({ network: HOME, tell, onPeer: (peer) => heard.push(peer) }),
  };
};
afterEach(() => {
  vi.useRealTimers();
});

test('what is written is read', () => {
  const some = ['192.0.2.7:6881', '[2001:db8:0:0:0:0:0:1]:6881'];
  expect(parsePeerExchange(encodePeerExchange(some, ['192.0.2.9:1']))).toEqual(some);
});

test('any message is read or passed over, never an exception, and never more than 50 peers', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      const wrapped = encodeBencode({ added: bytes, added6: bytes });
      expect(parsePeerExchange(bytes).length).toBeLessThanOrEqual(50);
      expect(parsePeerExchange(wrapped).length).toBeLessThanOrEqual(50);
    }),
  );
  expect(parsePeerExchange(Buffer.from('l-3:'))).toEqual([]);
});

test.each([
  ['198.51.100.7:6881', '198.51.100.1', true],
  ['[2001:db8::1]:6881', '198.51.100.1', true],
  // A stranger sends us into our own network, or to a service that is not BitTorrent's.
  ['192.168.1.1:8080', '198.51.100.1', false],
  ['10.0.0.1:8080', '198.51.100.1', false],
  ['127.0.0.1:8080', '198.51.100.1', false],
  ['[::1]:8080', '198.51.100.1', false],
  ['[::ffff:192.168.1.1]:8080', '198.51.100.1', false],
  ['198.51.100.7:80', '198.51.100.1', false],
  ['0.0.0.0:6881', '198.51.100.1', false],
  ['224.0.0.1:6881', '198.51.100.1', false],
  ['255.255.255.255:6881', '198.51.100.1', false],
  ['[ff02::1]:6881', '198.51.100.1', false],
  ['100.64.1.1:6881', '198.51.100.1', false],
  // A neighbour knows neighbours, and nothing of this machine.
  ['192.168.1.9:6881', '192.168.1.5', true],
  ['192.168.2.9:6881', '192.168.1.5', false],
  ['127.0.0.1:6881', '192.168.1.5', false],
  ['localhost:6881', '198.51.100.1', false],
  ['[0:0:0:0:0:ffff:7f00:1]:6881', '192.168.1.9', false],
  ['[::ffff:c0a8:101]:6881', '198.51.100.1', false],
  // A tracker whose host cannot be found.
  ['192.168.1.4:6881', '', false],
  ['198.51.100.7:6881', '', true],
])('%s, told by %s: %s', (peer, sender, may) => {
  expect(mayBeTold(peer, sender, HOME)).toBe(may);
});

test('others are told of each other, each once, and strangers not of neighbours', () => {
  const { exchange: pex } = exchange();
  const caller = fakeWire({ address: '198.51.100.1', type: 'tcpIncoming', port: 50_000 });
  const called = fakeWire({ address: '198.51.100.2', port: 6882 });
  const neighbour = fakeWire({ address: '192.168.1.5', port: 6883 });
  for (const { wire } of [caller, called, neighbour]) pex.attach(wire);
  // The caller listens elsewhere than it called from.
  caller.greet({ p: 6881 });
  called.greet();
  neighbour.greet();
  const told = (sent: Buffer[]): string[][] => sent.map((message) => parsePeerExchange(message));
  expect(told(caller.sent)).toEqual([['198.51.100.2:6882']]);
  expect(told(called.sent)).toEqual([['198.51.100.1:6881']]);
  expect(told(neighbour.sent)).toEqual([['198.51.100.1:6881', '198.51.100.2:6882']]);
  vi.advanceTimersByTime(60_000);
  expect([caller, called, neighbour].map(({ sent }) => sent.length)).toEqual([1, 1, 1]);
  called.destroy();
  vi.advanceTimersByTime(60_000);
  expect(caller.sent[1]?.toString('latin1')).toMatch('7:dropped6:');
  pex.stop();
});

test('who does not share tells nobody, and hears', () => {
  const { exchange: pex, heard } = exchange(false);
  const [one, other] = [
    fakeWire({ address: '198.51.100.1' }),
    fakeWire({ address: '198.51.100.2' }),
  ];
  for (const { wire } of [one, other]) pex.attach(wire);
  one.greet();
  other.greet();
  expect(one.sent.concat(other.sent)).toEqual([]);
  one.receive(encodePeerExchange(['198.51.100.9:6881'], []));
  expect(heard).toEqual(['198.51.100.9:6881']);
  pex.stop();
});

test('a peer that tells of thousands is heard once a minute, then dropped', () => {
  const { exchange: pex, heard } = exchange();
  const flood = fakeWire({ address: '198.51.100.1' });
  pex.attach(flood.wire);
  flood.greet();
  const message = encodePeerExchange(peers(50), []);
  for (let i = 0; i < 10; i++) flood.receive(message);
  expect(heard).toHaveLength(50);
  expect(flood.destroyed).toBe(false);
  flood.receive(message);
  flood.receive(message);
  expect(flood.destroyed).toBe(true);
  pex.stop();
});

test('of one torrent at most 200 peers are taken', () => {
  const { exchange: pex, heard } = exchange();
  const one = fakeWire({ address: '198.51.100.1' });
  pex.attach(one.wire);
  for (let i = 0; i < 10; i++) {
    one.receive(encodePeerExchange(peers(500).slice(i * 50, i * 50 + 50), []));
    vi.advanceTimersByTime(60_000);
  }
  expect(heard).toHaveLength(200);
  pex.stop();
});
