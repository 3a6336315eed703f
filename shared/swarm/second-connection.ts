import type { Wire } from 'webtorrent';

import { normaliseAddress } from './addresses.js';
import type { LocalNetwork } from './local-network.js';

/**
 * Of two connections with one peer, the one that this side has to end; null when there is none, or
 * when that is for the other side to do. A neighbour is found by its IPv4 and its IPv6 address, and
 * two clients may call each other in the same moment: both must choose the same connection, or none
 * is left. A stranger at another address is another peer, whatever id it has taken.
 */
export function secondConnection(
  ownId: string,
  wire: Wire,
  wires: readonly Wire[],
  network: LocalNetwork,
): Wire | null {
  const address = addressOf(wire);
  const isSame = (each: Wire): boolean =>
    addressOf(each) === address || (network.includes(address) && network.includes(addressOf(each)));
  const other = wires.find((each) => each !== wire && each.peerId === wire.peerId && isSame(each));
  if (other === undefined) return null;
  const [isOurs, otherIsOurs] = [isOutgoing(wire), isOutgoing(other)];
  if (isOurs === otherIsOurs) return isOurs ? wire : null;
  // The one that the lower id has made stays.
  const oursStays = ownId < wire.peerId;
  return isOurs === oursStays ? other : wire;
}

function isOutgoing(wire: Wire): boolean {
  return wire.type.endsWith('Outgoing');
}

function addressOf(wire: Wire): string {
  return normaliseAddress(wire.remoteAddress ?? '');
}
