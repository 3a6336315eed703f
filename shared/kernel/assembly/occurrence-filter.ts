import { reserve } from './memory-stack';

/**
 * Tells for most stretches that do not occur in the old bytes that they do not, with one read of
 * memory in place of the dozens of a search: a table of bits by hash (Bloom 1970, one function).
 */

/** Bytes of a stretch: the shortest match that is of use. */
export const STRETCH: i32 = 9;

let table: usize = 0;

/** Shift that leaves of a hash the number of a bit. */
let shift: u64 = 0;

/** Enters all stretches of `length` bytes. The table takes 0.75 to 1.5 bytes a byte. */
export function prepareFilter(bytes: usize, length: i32): void {
  let exponent: u64 = 10;
  while (exponent < 32 && (<u64>1) << exponent < <u64>length * 6) exponent++;
  shift = 64 - exponent;
  table = reserve((<u64>1) << (exponent - 3));
  memory.fill(table, 0, <usize>((<u64>1) << (exponent - 3)));
  const end = bytes + <usize>length;
  for (let at = bytes; at + STRETCH <= end; at += BLOCK)
    enter(at, min(at + BLOCK, end - STRETCH + 1));
}

const BLOCK: usize = 1 << 14;

function enter(from: usize, to: usize): void {
  for (let at = from; at < to; at++) {
    const bit = bitOf(at);
    const word = table + <usize>((bit >> 6) << 3);
    store<u64>(word, load<u64>(word) | ((<u64>1) << (bit & 63)));
  }
}

/** False only if the STRETCH bytes at `wanted` are nowhere in the old bytes. */
export function mayOccur(wanted: usize): bool {
  const bit = bitOf(wanted);
  return bool((load<u64>(table + <usize>((bit >> 6) << 3)) >> (bit & 63)) & 1);
}

/** A multiplicative hash: the upper bits of a product with an odd number are well mixed. */
function bitOf(stretch: usize): u64 {
  const eight = load<u64>(stretch) * 0x9e3779b97f4a7c15;
  return ((eight ^ (eight >> 32) ^ load<u8>(stretch, 8)) * 0xd6e8feb86659fd93) >> shift;
}
