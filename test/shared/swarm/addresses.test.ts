import { expect, test } from 'vitest';

import { addressFilter, splitPeer } from '../../../shared/swarm/addresses.js';

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
