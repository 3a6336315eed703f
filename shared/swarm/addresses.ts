import { BlockList, isIP } from 'node:net';

import { DebshoalError } from '../errors.js';

/**
 * An IP address as we compare it: IPv4 inside IPv6 (`::ffff:1.2.3.4`, in any spelling) becomes plain
 * IPv4, to which the kernel would connect.
 */
export function normaliseAddress(address: string): string {
  const bare = address.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!/ffff:/i.test(bare) || isIP(bare) !== 6) return bare;
  const bytes = bytesOfV6(bare);
  const isMapped = bytes.subarray(0, 12).equals(MAPPED);
  return isMapped ? bytes.subarray(12).join('.') : bare;
}

const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

/** The 16 bytes of an IPv6 address. */
export function bytesOfV6(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const groups = (text: string | undefined): number[] =>
    text === undefined || text === '' ? [] : text.split(':').flatMap(groupNumbers);
  const [first, last] = [groups(head), groups(tail)];
  const gap = Array.from({ length: 8 - first.length - last.length }, () => 0);
  const bytes = Buffer.alloc(16);
  [...first, ...gap, ...last].forEach((group, i) => bytes.writeUInt16BE(group, i * 2));
  return bytes;
}

/** The last 32 bits may be written as an IPv4 address. */
function groupNumbers(group: string): number[] {
  if (!group.includes('.')) return [parseInt(group, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}

/**
 * What one subscriber has: an IPv4 address, or the /64 of an IPv6 address, in which a single computer
 * may take any. Within own networks (`fe80::`, `fd00::`) each address is another computer.
 */
export function subscriberOf(address: string): string {
  const normal = normaliseAddress(address);
  if (isIP(normal) !== 6 || /^(f[cd]|fe[89ab])|^(0*:)+0*1$/i.test(normal)) return normal;
  const groups = [0, 2, 4, 6].map((at) => bytesOfV6(normal).readUInt16BE(at).toString(16));
  return `${groups.join(':')}::/64`;
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
      if (familyOf(normaliseAddress(address)) !== null) addEntry(list, subscriberOf(address));
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
