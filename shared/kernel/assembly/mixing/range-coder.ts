/*
 * A binary range coder: the interval from low to high is parted in proportion to the probability
 * of a 1, and a byte leaves when both ends agree in it. Behind the end of the input are zeros.
 */

let low: u32 = 0;
let high: u32 = 0xffffffff;
let window: u32 = 0;
let next: usize = 0;
let end: usize = 0;
let written: u32 = 0;

export function startEncoding(output: usize, capacity: u32): void {
  low = 0;
  high = 0xffffffff;
  next = output;
  end = output + capacity;
  written = 0;
}

export function startDecoding(input: usize, length: u32): void {
  low = 0;
  high = 0xffffffff;
  next = input;
  end = input + length;
  window = 0;
  for (let index = 0; index < 4; index++) window = (window << 8) | readByte();
}

function split(probability: u32): u32 {
  return low + <u32>((<u64>(high - low) * probability) >> 16);
}

/** `probability` of a 1, 1 to 65535. */
export function encodeBit(bit: u32, probability: u32): void {
  const middle = split(probability);
  if (bit) high = middle;
  else low = middle + 1;
  while ((low ^ high) < 0x1000000) {
    writeByte(high >> 24);
    low <<= 8;
    high = (high << 8) | 255;
  }
}

export function decodeBit(probability: u32): u32 {
  const middle = split(probability);
  const bit: u32 = window <= middle ? 1 : 0;
  if (bit) high = middle;
  else low = middle + 1;
  while ((low ^ high) < 0x1000000) {
    low <<= 8;
    high = (high << 8) | 255;
    window = (window << 8) | readByte();
  }
  return bit;
}

/** The length of the output; more than the capacity when it did not fit. */
export function finishEncoding(output: usize): u32 {
  // As few bytes as still lie in the interval with zeros behind them.
  if (low > 0) {
    let bits = 24;
    while (bits > 0 && roundUp(low, bits) > high) bits -= 8;
    const value = <u32>roundUp(low, bits);
    for (let shift = 24; shift >= bits; shift -= 8) writeByte(value >> shift);
  }
  if (written > <u32>(end - output)) return written;
  while (written > 0 && load<u8>(output + written - 1) == 0) written--;
  return written;
}

function roundUp(value: u64, bits: i32): u64 {
  return (((value - 1) >> bits) + 1) << bits;
}

function writeByte(byte: u32): void {
  if (next < end) store<u8>(next++, <u8>byte);
  written++;
}

function readByte(): u32 {
  return next < end ? <u32>load<u8>(next++) : 0;
}
