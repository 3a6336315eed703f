import { expect, test } from 'vitest';

import { openLocalNetwork } from '../../../shared/swarm/local-network.js';

const entry = (cidr: string, internal = false) => ({
  address: cidr.split('/')[0] ?? '',
  netmask: '',
  mac: '00:00:00:00:00:00',
  internal,
  cidr,
  ...(cidr.includes(':') ? { family: 'IPv6' as const, scopeid: 0 } : { family: 'IPv4' as const }),
});

const network = openLocalNetwork(() => ({
  lo: [entry('127.0.0.1/8', true), entry('::1/128', true)],
  eth0: [entry('192.168.1.5/24'), entry('fe80::5/64'), entry('2001:db8::5/64')],
  // At a hoster the subnet is full of strangers.
  eth1: [entry('198.51.100.5/24')],
  tun0: [entry('10.8.0.2/32')],
}));

test.each([
  ['192.168.1.77', true],
  ['::ffff:192.168.1.77', true],
  ['192.168.2.77', false],
  ['fe80::77', true],
  ['fe80::77%eth0', true],
  ['127.0.0.1', true],
  ['198.51.100.77', false],
  ['2001:db8::77', false],
  ['10.8.0.3', false],
  ['fd00::1', false],
  ['8.8.8.8', false],
  ['nonsense', false],
  ['', false],
])('%s is on the own network: %s', (address, own) => {
  expect(network.includes(address)).toBe(own);
});

test('interfaces with a private address, one for each family', () => {
  expect(network.interfaces()).toEqual([
    { name: 'eth0', address: '192.168.1.5', family: 4 },
    { name: 'eth0', address: 'fe80::5', family: 6 },
    { name: 'tun0', address: '10.8.0.2', family: 4 },
  ]);
});

test("a tunnel is nobody's own network", () => {
  const read = () => ({ tun0: [entry('10.8.0.2/16')], eth0: [entry('192.168.1.5/24')] });
  const plugged = openLocalNetwork(read, (name) => name === 'tun0');
  expect([plugged.includes('10.8.77.7'), plugged.includes('192.168.1.7')]).toEqual([false, true]);
  expect(plugged.interfaces().map(({ name }) => name)).toEqual(['eth0']);
});
