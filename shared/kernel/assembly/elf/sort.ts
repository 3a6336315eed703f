import { reserve } from '../memory-stack';

/**
 * Sorts `count` words by their bits from `lowBit` on, stable, in 11-bit digits; passes whose digit
 * is the same everywhere are left out. Returns where the result is: `words` or `scratch`.
 */
export function radixSort(words: usize, scratch: usize, count: u32, lowBit: u32): usize {
  const histogram = reserve(2048 * 4);
  let from = words;
  let to = scratch;
  for (let shift = lowBit; shift < 64; shift += 11) {
    memory.fill(histogram, 0, 2048 * 4);
    for (let index: u32 = 0; index < count; index++) {
      const digit = digitOf(from, index, shift);
      store<u32>(histogram + (digit << 2), load<u32>(histogram + (digit << 2)) + 1);
    }
    if (count != 0 && load<u32>(histogram + (digitOf(from, 0, shift) << 2)) == count) continue;
    let before: u32 = 0;
    for (let digit: usize = 0; digit < 2048; digit++) {
      const here = load<u32>(histogram + (digit << 2));
      store<u32>(histogram + (digit << 2), before);
      before += here;
    }
    for (let index: u32 = 0; index < count; index++) {
      const slot = histogram + (digitOf(from, index, shift) << 2);
      const place = load<u32>(slot);
      store<u32>(slot, place + 1);
      store<u64>(to + ((<usize>place) << 3), load<u64>(from + ((<usize>index) << 3)));
    }
    const swap = from;
    from = to;
    to = swap;
  }
  return from;
}

function digitOf(words: usize, index: u32, shift: u32): usize {
  return <usize>((load<u64>(words + ((<usize>index) << 3)) >> shift) & 2047);
}
