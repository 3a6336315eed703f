import { expect, test } from 'vitest';

import { proveGroup } from '../../../shared/swarm/group-proof.js';
import { fakeWire, type FakeWire } from '../../support/fake-wire.js';

const KEY = Buffer.alloc(32, 7);
const HASH = 'cd'.repeat(20);
const [ALICE, BOB, EVE] = ['aa', 'bb', 'ee'].map((byte) => byte.repeat(20)) as [
  string,
  string,
  string,
];

interface End extends FakeWire {
  proven: boolean;
}

/** `ownId`'s end of a connection with `peerId`. */
const end = (ownId: string, peerId: string, key = KEY, infoHash = HASH): End => {
  const fake = Object.assign(fakeWire({ address: '198.51.100.1', peerId }), { proven: false });
  proveGroup(fake.wire, {
    key,
    infoHash,
    ownId,
    onProven: () => {
      fake.proven = true;
    },
  });
  fake.greet();
  return fake;
};

/** Carries what either has said to the other, until both are silent. */
const converse = (one: End, other: End): void => {
  const said = [0, 0];
  for (let round = 0; round < 4; round++) {
    for (const message of one.sent.slice(said[0])) other.receive(message);
    said[0] = one.sent.length;
    for (const message of other.sent.slice(said[1])) one.receive(message);
    said[1] = other.sent.length;
  }
};

test('two members know each other', () => {
  const [alice, bob] = [end(ALICE, BOB), end(BOB, ALICE)];
  converse(alice, bob);
  expect([alice.proven, bob.proven, alice.destroyed, bob.destroyed]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test.each([
  ['another secret', Buffer.alloc(32, 8), HASH],
  ['another torrent', KEY, 'ab'.repeat(20)],
])('%s proves nothing', (_, key, infoHash) => {
  const [alice, eve] = [end(ALICE, EVE), end(EVE, ALICE, key, infoHash)];
  converse(alice, eve);
  expect([alice.proven, alice.destroyed]).toEqual([false, true]);
});

test('a proof under another name proves nothing', () => {
  const [alice, bob] = [end(ALICE, EVE), end(BOB, ALICE)];
  converse(alice, bob);
  expect([alice.proven, alice.destroyed]).toEqual([false, true]);
});

test('what alice says, sent back to her, proves nothing', () => {
  const alice = end(ALICE, EVE);
  const [hello] = alice.sent;
  alice.receive(hello ?? Buffer.alloc(0));
  alice.receive(alice.sent[1] ?? Buffer.alloc(0));
  expect([alice.proven, alice.destroyed]).toEqual([false, true]);
});

test('what bob said on another connection proves nothing', () => {
  const [first, bob] = [end(ALICE, BOB), end(BOB, ALICE)];
  converse(first, bob);
  const second = end(ALICE, BOB);
  for (const message of bob.sent) second.receive(message);
  expect([first.proven, second.proven, second.destroyed]).toEqual([true, false, true]);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['a proof before any hello', Buffer.alloc(33, 2)],
  ['an unknown kind', Buffer.alloc(33, 9)],
  ['a long hello', Buffer.alloc(34, 1)],
])('%s ends the connection', (_, message) => {
  const alice = end(ALICE, EVE);
  alice.receive(message);
  expect([alice.proven, alice.destroyed]).toEqual([false, true]);
});

test('a second hello ends the connection: nobody gets proofs for many nonces', () => {
  const alice = end(ALICE, EVE);
  alice.receive(Buffer.alloc(33, 1));
  alice.receive(Buffer.alloc(33, 1));
  expect([alice.sent.length, alice.destroyed]).toEqual([2, true]);
});
