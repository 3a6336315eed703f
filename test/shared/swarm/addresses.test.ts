import { expect, test } from 'vitest';

import { addressFilter, normaliseAddress, splitPeer } from '../../../shared/swarm/addresses.js';

test.each([
  ['192.0.2.7', '192.0.2.7', true],
  ['192.0.2.7', '::ffff:192.0.2.7', true],
  ['::ffff:192.0.2.7', '192.0.2.7', true],
  ['192.0.2.0/24', '192.0.2.200', true],
  ['192.0.2.0/24', '192.0.3.1', false],
  ['192.0.2.1-192.0.2.9', '::FFFF:192.0.2.5', true],
  ['2001:db8::/32', '2001:db8::1', true],
  ['2001:db8::/32', '[2001:db8::1]', true],
  ['fe80::/10', 'fe80::1%eth0', true],
  ['192.0.2.7', 'nonsense', false],
])('the entry %s and the address %s', (entry, address, blocked) => {
  expect(addressFilter([entry]).blocks(address)).toBe(blocked);
});

test.each(['example.org', '', '192.0.2.0/33', '192.0.2.9-192.0.2.1', '192.0.2.1-::1', '1.2.3'])(
  'the entry "%s" is refused',
  (entry) => {
    expect(() => addressFilter([entry])).toThrow(
      expect.objectContaining({ code: 'config-invalid' }),
    );
  },
);

test('a banned address is blocked from then on', () => {
  const filter = addressFilter([]);
  filter.ban('::ffff:192.0.2.7');
  expect([filter.blocks('192.0.2.7'), filter.blocks('192.0.2.8')]).toEqual([true, false]);
});

test('peers are addresses with a port, never names', () => {
  expect(splitPeer('192.0.2.7:6881')).toEqual({ address: '192.0.2.7', port: 6881 });
  expect(splitPeer('[2001:db8::1]:6881')).toEqual({ address: '2001:db8::1', port: 6881 });
  for (const bad of ['localhost:80', '192.0.2.7', '192.0.2.7:0', '192.0.2.7:99999', '::1:80', '']) {
    expect(splitPeer(bad)).toBeNull();
  }
});

test.each([
  ['::ffff:7f00:1', '127.0.0.1'],
  ['0:0:0:0:0:ffff:7f00:1', '127.0.0.1'],
  ['0:0:0:0:0:FFFF:c0a8:0101', '192.168.1.1'],
  ['[::ffff:192.168.1.1]', '192.168.1.1'],
  ['2001:db8::ffff:1', '2001:db8::ffff:1'],
  ['ffff:7f00:1', 'ffff:7f00:1'],
])('%s is the address %s', (spelling, address) => {
  expect(normaliseAddress(spelling)).toBe(address);
});

test('a ban holds for all of a subscriber, and within a house for one computer', () => {
  const filter = addressFilter([]);
  for (const address of ['2001:db8:1:2::7', 'fe80::7', '192.0.2.7']) filter.ban(address);
  const blocked = ['2001:db8:1:2:ffff::1', '2001:db8:1:3::7', 'fe80::7', 'fe80::8', '192.0.2.8'];
  expect(blocked.map((address) => filter.blocks(address))).toEqual([
    ...[true, false, true],
    ...[false, false],
  ]);
});
