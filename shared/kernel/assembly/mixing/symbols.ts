import { codeSymbol, setContext, setDomain } from './predictor';
import { addRow, firstAt, hasFirst, row } from './columns';
import { hash2, hash3, sizeClass } from './hashing';

/* Streams of single bytes: coded as they are. */

const VALUE_DOMAIN: u32 = 4;
const BYTE_DOMAIN: u32 = 5;

let start: usize = 0;
let at: usize = 0;

/** Bytes of anything, by the bytes before. */
export function codeBytes(from: usize, end: usize, isDecoding: bool): void {
  start = from;
  setDomain(BYTE_DOMAIN);
  for (at = from; at < end; at++) {
    setByteContexts();
    codeByte(isDecoding);
  }
}

/** What bytes differ by, where the first companion says how far each is from the one before. */
export function codeValues(from: usize, end: usize, isDecoding: bool): void {
  start = from;
  setDomain(VALUE_DOMAIN);
  for (at = from; at < end; at++) {
    setValueContexts();
    codeByte(isDecoding);
  }
}

function codeByte(isDecoding: bool): void {
  const byte = codeSymbol(isDecoding ? 0 : <u32>load<u8>(at), 8);
  store<u8>(at, <u8>byte);
  addRow(byte);
}

// @ts-expect-error: a decorator of AssemblyScript
@inline
function before(distance: u32): u32 {
  return at - start >= <usize>distance ? <u32>load<u8>(at - distance) : 0;
}

function setByteContexts(): void {
  const last1 = before(1);
  const last2 = last1 | (before(2) << 8);
  const last3 = last2 | (before(3) << 16);
  const last4 = last3 | (before(4) << 24);
  setContext(0, 0);
  setContext(1, last1);
  setContext(2, last2);
  setContext(3, last3);
  setContext(4, last4);
  setContext(5, last3 >> 8);
  setContext(6, hash2(last4, before(5) | (before(6) << 8)));
}

function setValueContexts(): void {
  const last1 = before(1);
  const last2 = last1 | (before(2) << 8);
  const last3 = last2 | (before(3) << 16);
  setContext(0, 0);
  setContext(1, last1);
  setContext(2, last2);
  setContext(3, last3);
  if (!hasFirst()) {
    setContext(4, last2 >> 8);
    setContext(5, last3 >> 8);
    setContext(6, last3 >> 16);
    return;
  }
  const gapBefore = sizeClass(firstAt(row));
  const gapAfter = sizeClass(firstAt(row + 1));
  const gapLast = row > 0 ? sizeClass(firstAt(row - 1)) : 0;
  setContext(4, gapBefore | (gapAfter << 8));
  setContext(5, gapBefore | (gapAfter << 8) | (last1 << 16));
  setContext(6, hash3(min<u32>(gapBefore, 8) | (min<u32>(gapAfter, 8) << 4), min<u32>(gapLast, 8), last1));
}
