import { expect, test } from 'vitest';

import { openUploadGate, type UploadGate } from '../../../shared/swarm/upload-gate.js';
import type { UploadReach } from '../../../shared/swarm/messages.js';
import { HOME } from '../../support/fake-network.js';
import { fakeWire, type FakeWire } from '../../support/fake-wire.js';

const NEAR = '192.168.1.5';
const FAR = '198.51.100.1';

const gateOf = (reach: UploadReach, upload = true): UploadGate =>
  openUploadGate({ upload, reach, lan: true }, HOME);
/** A peer that is interested, as WebTorrent then does it. */
const interested = (gate: UploadGate, address: string, localOnly = false): FakeWire => {
  const fake = fakeWire({ address });
  gate.guard(fake.wire, { localOnly, onSent: () => undefined });
  fake.unchoke();
  return fake;
};

test.each([
  ['lan', true, true, false, true, false],
  ['group', true, true, false, true, true],
  ['internet', true, true, true, true, true],
  ['internet', false, false, false, true, false],
] as const)(
  'reach %s, upload %s',
  (reach, upload, servesNear, servesFar, answersNear, answersFar) => {
    const gate = gateOf(reach, upload);
    expect(interested(gate, NEAR).choked).toBe(!servesNear);
    expect(interested(gate, FAR).choked).toBe(!servesFar);
    expect([gate.answers(NEAR), gate.answers(FAR)]).toEqual([answersNear, answersFar]);
  },
);

test('without looking for neighbours, and without upload, nobody is answered', () => {
  const gate = openUploadGate({ upload: false, reach: 'internet', lan: false }, HOME);
  expect([gate.answers(NEAR), gate.answers(FAR)]).toEqual([false, false]);
});

test('a member of the group is served once it has proven that it is one', () => {
  const gate = gateOf('group');
  const member = interested(gate, FAR);
  expect([gate.wantsProof(FAR), gate.wantsProof(NEAR)]).toEqual([true, false]);
  gate.admit(member.wire);
  expect(member.choked).toBe(false);
  expect(interested(gate, FAR).choked).toBe(true);
});

test('a torrent for the own networks is for nobody else', () => {
  const gate = gateOf('internet');
  expect(interested(gate, NEAR, true).choked).toBe(false);
  expect(interested(gate, FAR, true).choked).toBe(true);
});

test('the allowance ends in the middle of a conversation, for those beyond alone', () => {
  const gate = gateOf('internet');
  const [near, far, other] = [NEAR, FAR, '198.51.100.2'].map((each) => interested(gate, each));
  gate.allow({ local: true, beyondBytes: 40_000 });
  const send = (wire: FakeWire | undefined, count: number): void => {
    for (let i = 0; i < count; i++) wire?.emit('upload', 16_384);
  };
  send(near, 10);
  send(far, 2);
  expect([near?.choked, far?.choked, other?.choked]).toEqual([false, false, false]);
  send(other, 1);
  expect([near?.choked, far?.choked, other?.choked]).toEqual([false, true, true]);
  far?.unchoke();
  expect(far?.choked).toBe(true);
  gate.allow({ local: true, beyondBytes: null });
  far?.unchoke();
  expect(far?.choked).toBe(false);
  gate.allow({ local: false, beyondBytes: 0 });
  expect([near?.choked, far?.choked]).toEqual([true, true]);
});

test('what is sent is counted by where it goes', () => {
  const gate = gateOf('internet');
  const sent: [number, boolean][] = [];
  for (const address of [NEAR, FAR]) {
    const fake = fakeWire({ address });
    gate.guard(fake.wire, { localOnly: false, onSent: (...what) => sent.push(what) });
    fake.emit('upload', 7);
  }
  expect(sent).toEqual([
    [7, true],
    [7, false],
  ]);
});
