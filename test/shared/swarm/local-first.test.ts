import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { startLocalFirst, type LocalFirst } from '../../../shared/swarm/local-first.js';
import { closing } from '../../support/cleanup.js';
import { fakeWire, type FakeWire } from '../../support/fake-wire.js';

const STRANGER = '198.51.100.1:6881';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const started = (): { localFirst: LocalFirst; called: string[] } => {
  const called: string[] = [];
  const localFirst = startLocalFirst(
    () => 4,
    (peer) => called.push(peer),
  );
  closing({ close: localFirst.stop });
  return { localFirst, called };
};
const neighbour = (pieces: number, peerChoking = false): FakeWire =>
  Object.assign(fakeWire({ address: '192.168.1.5' }), {
    peerChoking,
    peerPieces: { get: (index: number) => index < pieces },
  });

test('a stranger waits while a neighbour delivers, and is called when it stops', () => {
  const { localFirst, called } = started();
  const near = neighbour(4);
  localFirst.attach(near.wire);
  localFirst.offer(STRANGER);
  for (let second = 0; second < 10; second++) {
    near.emit('download', 16_384);
    vi.advanceTimersByTime(1000);
  }
  expect(called).toEqual([]);
  vi.advanceTimersByTime(3000);
  expect(called).toEqual([STRANGER]);
});

test('a stranger is called when the neighbour leaves', () => {
  const { localFirst, called } = started();
  const near = neighbour(4);
  localFirst.attach(near.wire);
  localFirst.offer(STRANGER);
  near.destroy();
  expect(called).toEqual([STRANGER]);
});

test.each([
  ['nobody is near', null],
  ['a neighbour has not all of it', neighbour(3)],
  ['a neighbour gives nothing', neighbour(4, true)],
])('a stranger is called at once: %s', (_, near) => {
  const { localFirst, called } = started();
  if (near !== null) localFirst.attach(near.wire);
  localFirst.offer(STRANGER);
  expect(called).toEqual([STRANGER]);
});
