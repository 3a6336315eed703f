import bencode from 'bencode';

import { decodeBencode } from '../torrent/bencode.js';

/**
 * bencode 4 runs for ever on `l-3:`, and every peer and tracker can send that: a strict scan goes
 * before it, in this process.
 */
export function guardBencode(): void {
  const original = bencode.decode;
  bencode.decode = (data, ...rest) => {
    decodeBencode(typeof data === 'string' ? Buffer.from(data) : data, false);
    return original(data, ...rest);
  };
}
