/* Bits go out lowest first, into bytes (RFC 1951 section 3.1.1). */

let output: usize = 0;
let outputEnd: usize = 0;
let bitBuffer: u64 = 0;
let bitCount: u32 = 0;

/** Forgets the bits that do not fill a byte yet, and where they would go. */
export function clearOutput(): void {
  output = 0;
  outputEnd = 0;
  bitBuffer = 0;
  bitCount = 0;
}

/** What follows goes to `start`, at most up to `end`, the bits that do not fill a byte yet first. */
export function moveOutput(start: usize, end: usize): void {
  output = start;
  outputEnd = end;
}

/** Where the next packed byte goes; bits that do not fill one are still to come. */
export function outputPlace(): usize {
  return output;
}

/** Whether `bytes` more have their place. */
export function hasRoom(bytes: u32): bool {
  return output + bytes <= outputEnd;
}

export function writeBits(value: u32, bits: u32): void {
  bitBuffer |= (<u64>value) << bitCount;
  bitCount += bits;
  if (bitCount >= 32) {
    store<u32>(output, <u32>bitBuffer);
    output += 4;
    bitBuffer >>= 32;
    bitCount -= 32;
  }
}

/** Fills the last byte with zeros. */
export function alignOutput(): void {
  for (; bitCount > 0; bitCount = bitCount > 8 ? bitCount - 8 : 0) {
    store<u8>(output, <u8>bitBuffer);
    output++;
    bitBuffer >>= 8;
  }
  bitBuffer = 0;
}

/** Appends whole bytes; the output is aligned. */
export function writeBytes(bytes: usize, length: u32): void {
  memory.copy(output, bytes, length);
  output += length;
}
