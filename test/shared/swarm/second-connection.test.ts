import { expect, test } from 'vitest';

import { secondConnection } from '../../../shared/swarm/second-connection.js';
import { HOME } from '../../support/fake-network.js';
import { fakeWire, type FakeWire } from '../../support/fake-wire.js';

const LOW = 'aa'.repeat(20);
const HIGH = 'bb'.repeat(20);
type Direction = 'tcpIncoming' | 'tcpOutgoing';
const wireTo = (peerId: string, type: Direction, address = '192.168.1.5'): FakeWire =>
  fakeWire({ address, peerId, type });
/** Which of two connections, in their order, `own` ends. */
const ended = (own: string, peer: string, first: Direction, second: Direction): number | null => {
  const [one, two] = [wireTo(peer, first), wireTo(peer, second)];
  const chosen: unknown = secondConnection(own, two.wire, [one.wire, two.wire], HOME);
  return chosen === null ? null : [one, two].indexOf(chosen as FakeWire);
};

test('both sides of two calls in the same moment end the same one, in whichever order they see them', () => {
  // Connection 0 is made by the lower id, connection 1 by the higher.
  for (const order of [0, 1]) {
    const seen = (directions: [Direction, Direction]): [Direction, Direction] =>
      order === 0 ? directions : [directions[1], directions[0]];
    const byLow = ended(LOW, HIGH, ...seen(['tcpOutgoing', 'tcpIncoming']));
    const byHigh = ended(HIGH, LOW, ...seen(['tcpIncoming', 'tcpOutgoing']));
    expect([byLow, byHigh]).toEqual([1 - order, 1 - order]);
  }
});

test('who has called twice ends the later one, and the other side waits for that', () => {
  expect(ended(LOW, HIGH, 'tcpOutgoing', 'tcpOutgoing')).toBe(1);
  expect(ended(HIGH, LOW, 'tcpIncoming', 'tcpIncoming')).toBeNull();
});

test('other peers are not concerned', () => {
  const [one, two] = [
    wireTo('cc'.repeat(20), 'tcpOutgoing'),
    wireTo('dd'.repeat(20), 'tcpOutgoing'),
  ];
  expect(secondConnection('aa'.repeat(20), two.wire, [one.wire, two.wire], HOME)).toBeNull();
});

test('a stranger that has taken the id of another does not push it out', () => {
  const honest = wireTo(LOW, 'tcpOutgoing', '198.51.100.1');
  const thief = wireTo(LOW, 'tcpIncoming', '198.51.100.66');
  expect(secondConnection(HIGH, thief.wire, [honest.wire, thief.wire], HOME)).toBeNull();
});
