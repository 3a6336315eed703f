import { BlockList, isIP } from 'node:net';

import { DebshoalError } from '../errors.js';

/** An IP address as we compare it: IPv4 inside IPv6 (`::ffff:1.2.3.4`) becomes plain IPv4. */
export function normaliseAddress(address: string): string {
  const bare = address.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  return mapped?.[1] ?? bare;
}

/**
 * Splits `1.2.3.4:5`, `[::1]:5` or `[fe80::1%eth0]:5`; null for anything else. Names are refused: a tracker could make
 * us resolve and connect to hosts inside our own network.
 */
export function splitPeer(peer: string): { address: string; port: number } | null {
  const match = /^(?:\[([0-9a-f:.]+(?:%[\w.-]+)?)\]|(\d+\.\d+\.\d+\.\d+)):(\d{1,5})$/i.exec(peer);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  return isIP(address) !== 0 && port > 0 && port < 65_535 ? { address, port } : null;
}

/** Addresses that we neither call nor answer. */
export interface AddressFilter {
  readonly blocks: (address: string) => boolean;
  readonly ban: (address: string) => void;
}

/**
 * Reads addresses (`192.0.2.7`), subnets (`2001:db8::/32`) and ranges (`192.0.2.1-192.0.2.9`). Fails
 * with `config-invalid`.
 */
export function addressFilter(entries: readonly string[]): AddressFilter {
  const list = new BlockList();
  for (const entry of entries) addEntry(list, entry);
  return {
    blocks: (address) => {
      const normal = normaliseAddress(address);
      const family = familyOf(normal);
      return family !== null && list.check(normal, family);
    },
    ban: (address) => {
      const normal = normaliseAddress(address);
      const family = familyOf(normal);
      if (family !== null) list.addAddress(normal, family);
    },
  };
}

function addEntry(list: BlockList, entry: string): void {
  try {
    const [first = '', last] = entry.split('-').map((part) => part.trim());
    const [address = '', bits] = first.split('/');
    const normal = normaliseAddress(address);
    const family = familyOf(normal);
    if (family === null) throw new TypeError('no IP address');
    if (last !== undefined) list.addRange(normal, normaliseAddress(last), family);
    else if (bits !== undefined) list.addSubnet(normal, Number(bits), family);
    else list.addAddress(normal, family);
  } catch (cause) {
    throw new DebshoalError('config-invalid', `blocklist entry ${entry}`, { cause });
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' | null {
  const version = isIP(address);
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : null;
}
