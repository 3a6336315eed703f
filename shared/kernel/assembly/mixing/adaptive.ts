/* A probability that learns: 22 bits of it, and how often it was corrected in the lower 10. */

const COUNTS: i32 = 1024;
/** 65536 / (n + 1.5): how much the n-th correction changes a probability. */
const rates: usize = memory.data(COUNTS * 4);

/** Fills the table; call it first. */
export function prepareAdaptive(): void {
  for (let n = 0; n < COUNTS; n++) store<u32>(rates + (n << 2), 131072 / (2 * n + 3));
}

export function rateOf(count: u32): i32 {
  return load<i32>(rates + (count << 2));
}

/** Moves the probability at an address towards a bit; more slowly each time, down to `limit`. */
export function adapt(place: usize, bit: u32, limit: u32): void {
  const value = load<u32>(place);
  const count = value & (COUNTS - 1);
  const probability = <i32>(value >> 10);
  const target = bit ? (1 << 22) - 1 : 0;
  const change = <i32>((<i64>(target - probability) * rateOf(count)) >> 16);
  store<u32>(place, ((<u32>(probability + change)) << 10) | (count < limit ? count + 1 : count));
}
