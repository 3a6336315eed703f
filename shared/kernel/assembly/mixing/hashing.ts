/** One number from two, for contexts. */
export function hash2(a: u32, b: u32): u32 {
  return ((a * 0x2f0b4a27 + b + 1) * 0x9e3779b1) ^ (a >> 13);
}

export function hash3(a: u32, b: u32, c: u32): u32 {
  return hash2(hash2(a, b), c);
}

/** A number by its size: exactly up to 7, then two classes for each power of two. Below 72. */
export function sizeClass(value: u32): u32 {
  if (value < 8) return value;
  const bits = 32 - clz<u32>(value);
  return 5 + ((bits << 1) | ((value >> (bits - 2)) & 1));
}
