import { codeSymbol, setContext, setDomain } from './predictor';
import { addRow, firstAt, hasFirst, row } from './columns';
import { hash2, hash3, sizeClass } from './hashing';

/* Streams of single bytes, by the bytes before each and by its row of a companion. */

/* The kinds of these streams, which are their domains too less DOMAINS_BEFORE. */
const VALUES: u32 = 2;
const BYTES: u32 = 3;
const RECORDS: u32 = 5;
/** Numbers and signed numbers have two each. */
const DOMAINS_BEFORE: u32 = 2;

let start: usize = 0;
let at: usize = 0;

/** Codes the bytes of a kind other than numbers. */
export function codeSymbols(kind: u32, from: usize, end: usize, isDecoding: bool): void {
  start = from;
  setDomain(kind + DOMAINS_BEFORE);
  for (at = from; at < end; at++) {
    if (kind == VALUES) setValueContexts();
    else if (kind == BYTES) setByteContexts();
    else setElfContexts(kind == RECORDS);
    codeByte(isDecoding);
  }
}

function codeByte(isDecoding: bool): void {
  const byte = codeSymbol(isDecoding ? 0 : <u32>load<u8>(at), 8);
  store<u8>(at, <u8>byte);
  addRow(byte);
}

function before(distance: u32): u32 {
  return at - start >= <usize>distance ? <u32>load<u8>(at - distance) : 0;
}

/** Anything, such as text: the bytes just before. */
function setByteContexts(): void {
  const last2 = before(1) | (before(2) << 8);
  const last4 = last2 | (before(3) << 16) | (before(4) << 24);
  setContext(0, 0);
  setContext(1, last2 & 0xff);
  setContext(2, last2);
  setContext(3, last4 & 0xffffff);
  setContext(4, last4);
  setContext(5, (last4 >> 8) & 0xffff);
  setContext(6, hash2(last4, before(5) | (before(6) << 8)));
}

/** Code, where fields are four bytes apart, or records of tables, of eight. */
function setElfContexts(isRecords: bool): void {
  const last2 = before(1) | (before(2) << 8);
  const last4 = last2 | (before(3) << 16) | (before(4) << 24);
  setContext(0, isRecords ? before(8) : 0);
  setContext(1, last2 & 0xff);
  setContext(2, last2);
  setContext(3, last4 & 0xffffff);
  setContext(4, (last4 >> 24) | (before(5) << 8));
  setContext(5, (last4 >> 8) & 0xffff);
  setContext(6, last4 >> 16);
}

/** What bytes differ by; the first companion says how far each is from the one before. */
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
  setContext(
    6,
    hash3(min<u32>(gapBefore, 8) | (min<u32>(gapAfter, 8) << 4), min<u32>(gapLast, 8), last1),
  );
}
