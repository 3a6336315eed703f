import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

import { normaliseAddress } from './addresses.js';

/** The networks that this machine is plugged into, as far as they are private. */
export interface LocalNetwork {
  /** True for a private address within an own subnet, and for this machine itself. */
  readonly includes: (address: string) => boolean;
  /** Interfaces with a private address, one entry for each and family. */
  readonly interfaces: () => readonly LocalInterface[];
}

export interface LocalInterface {
  readonly name: string;
  readonly address: string;
  readonly family: 4 | 6;
}

type Interfaces = ReturnType<typeof networkInterfaces>;

/** Cables are plugged and radios join; asking the kernel for each packet would be too much. */
const REREAD = 10_000;

/** Answers that are remembered: it is asked for each peer that anybody names, and takes 50 µs. */
const MAX_KNOWN = 1000;

/** RFC 1918, 3927, 4193, 4291: what no router of the Internet passes on. */
const PRIVATE = blockList(
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '127.0.0.0/8'],
  ...['fc00::/7', 'fe80::/10', '::1/128'],
);

/** True for an address that only has a meaning within somebody's own network. */
export function isPrivateAddress(address: string): boolean {
  return contains(PRIVATE, address);
}

/** A public subnet is shared with strangers, at a hoster for instance, so it is not ours. */
export function openLocalNetwork(
  read: () => Interfaces = networkInterfaces,
  isTunnel = isTunnelInterface,
): LocalNetwork {
  let readAt = -Infinity;
  let subnets = new BlockList();
  let found: LocalInterface[] = [];
  const known = new Map<string, boolean>();
  const refresh = (): void => {
    if (performance.now() - readAt < REREAD) return;
    readAt = performance.now();
    subnets = new BlockList();
    found = [];
    known.clear();
    for (const [name, entries] of Object.entries(read())) {
      if (isTunnel(name)) continue;
      for (const { address, cidr, family, internal } of entries ?? []) {
        if (cidr === null || !isPrivateAddress(address)) continue;
        addSubnet(subnets, cidr);
        const version = family === 'IPv4' ? 4 : 6;
        const isListed = found.some((other) => other.name === name && other.family === version);
        if (!internal && !isListed) found.push({ name, address, family: version });
      }
    }
  };
  return {
    includes: (address) => {
      refresh();
      const before = known.get(address);
      if (before !== undefined) return before;
      const isOurs = isPrivateAddress(address) && contains(subnets, address);
      if (known.size < MAX_KNOWN) known.set(address, isOurs);
      return isOurs;
    },
    interfaces: () => {
      refresh();
      return found;
    },
  };
}

/** ARPHRD_NONE: no hardware, as with a VPN's tun or wireguard. */
const NO_HARDWARE = '65534';

/** Who is at the other end of a tunnel is an employer, or thousands of strangers. */
function isTunnelInterface(name: string): boolean {
  try {
    return readFileSync(`/sys/class/net/${name}/type`, 'utf8').trim() === NO_HARDWARE;
  } catch {
    return false;
  }
}

function blockList(...cidrs: string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) addSubnet(list, cidr);
  return list;
}

function addSubnet(list: BlockList, cidr: string): void {
  const [address = '', bits] = cidr.split('/');
  list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function contains(list: BlockList, address: string): boolean {
  const normal = normaliseAddress(address);
  const version = isIP(normal);
  return version !== 0 && list.check(normal, version === 6 ? 'ipv6' : 'ipv4');
}
