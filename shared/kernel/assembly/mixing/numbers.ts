import { codeSymbol, setContext, setDomain } from './predictor';
import { addRow, firstAt, hasFirst, hasSecond, row, secondAt } from './columns';
import { hash2, hash3, sizeClass } from './hashing';

/*
 * Columns of varints. A number is coded as a lead symbol, which says how long it is and begins with
 * its upper bits, then the other bits from the top in groups: so that what can be foreseen comes
 * first, while a varint begins with what cannot. Signed ones are zigzag varints.
 */

/** Numbers below are their own lead; then each has one for a length and the second bit. */
const EXACT: u32 = 192;
const EXACT_BITS: u32 = 8;
/** The same beside a sign. */
const SIGNED_EXACT: u32 = 64;
const SIGNED_EXACT_BITS: u32 = 7;
const SIGN: u32 = 128;
/** Of leads; the next one is that of groups. */
const NUMBER_DOMAIN: u32 = 0;
const SIGNED_DOMAIN: u32 = 2;

let isSigned: bool = false;
/** The three numbers before, the last one first. */
let last1: u64 = 0;
let last2: u64 = 0;
let last3: u64 = 0;
/** The number that takes back the last step, or the last two. */
let goingBack: u64 = 0;
let goingBackTwo: u64 = 0;

/**
 * Codes the varints from `at` to `end`. False when decoding made a number that reaches beyond the
 * end; when encoding, the caller has seen to it that they are canonical and not too long.
 */
export function codeNumbers(from: usize, end: usize, signed: bool, isDecoding: bool): bool {
  isSigned = signed;
  last1 = 0;
  last2 = 0;
  last3 = 0;
  let at = from;
  while (at < end) {
    const given = isDecoding ? 0 : readVarint(at, end);
    if (signed) foreseeReturn();
    const number = codeNumber(given);
    const next = writeVarint(number, at, end);
    if (next == 0) return false;
    at = next;
    addRow(<u32>min<u64>(number, 0xffffffff));
    last3 = last2;
    last2 = last1;
    last1 = number;
  }
  return true;
}

function readVarint(from: usize, end: usize): u64 {
  let value: u64 = 0;
  let shift: u64 = 0;
  for (let at = from; at < end && shift < 63; at++, shift += 7) {
    const byte = <u64>load<u8>(at);
    value |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  return value;
}

/** The address behind it, or 0 when it does not fit. */
function writeVarint(value: u64, from: usize, end: usize): usize {
  let at = from;
  let rest = value;
  while (at < end) {
    const byte = <u32>(rest & 127);
    rest >>= 7;
    store<u8>(at++, <u8>(rest > 0 ? byte | 128 : byte));
    if (rest == 0) return at;
  }
  return 0;
}

function codeNumber(given: u64): u64 {
  const domain: u32 = isSigned ? SIGNED_DOMAIN : NUMBER_DOMAIN;
  setDomain(domain);
  if (isSigned) setSignedLeadContexts();
  else setLeadContexts();
  const lead = codeSymbol(leadOf(given), 8);
  let bits = bitsBehind(lead);
  let value: u64 = bits > 0 ? 2 | (lead & 1) : isSigned ? lead & (SIGN - 1) : lead;
  const size = isSigned ? given >> 1 : given;
  setDomain(domain + 1);
  let sofar = hash2(lead, 0);
  for (let group: u32 = 1; bits > 0; group++) {
    const width = ((bits - 1) & 7) + 1;
    bits -= width;
    if (isSigned) setSignedGroupContexts(lead, sofar, group, value, bits, width);
    else setGroupContexts(lead, sofar, group);
    const symbol = codeSymbol((<u32>(size >> bits)) & ((1 << width) - 1), width);
    value = (value << width) | symbol;
    sofar = hash2(sofar, symbol);
  }
  return isSigned ? (value << 1) | (lead >> 7) : value;
}

function leadOf(number: u64): u32 {
  if (!isSigned) return leadOfSize(number, EXACT, EXACT_BITS);
  const sign = <u32>(number & 1) * SIGN;
  return sign | leadOfSize(number >> 1, SIGNED_EXACT, SIGNED_EXACT_BITS);
}

function leadOfSize(size: u64, exact: u32, exactBits: u32): u32 {
  if (size < <u64>exact) return <u32>size;
  const bits = 64 - <u32>clz<u64>(size);
  return exact + ((bits - exactBits) << 1) + ((<u32>(size >> (bits - 2))) & 1);
}

/** How many bits of the number its lead leaves open. */
function bitsBehind(lead: u32): u32 {
  const size = isSigned ? lead & (SIGN - 1) : lead;
  const exact = isSigned ? SIGNED_EXACT : EXACT;
  const exactBits = isSigned ? SIGNED_EXACT_BITS : EXACT_BITS;
  return size < exact ? 0 : ((size - exact) >> 1) + exactBits - 2;
}

function setLeadContexts(): void {
  const number1 = <u32>last1;
  const number2 = <u32>last2;
  const first = firstAt(row);
  const size1 = sizeClass(number1);
  setContext(0, 0);
  setContext(1, number1);
  setContext(2, hash2(number1, number2));
  setContext(3, size1 | (sizeClass(number2) << 7) | (sizeClass(<u32>last3) << 14));
  if (hasFirst()) {
    setContext(4, first);
    setContext(5, hash2(sizeClass(first), hasSecond() ? sizeClass(secondAt(row)) : size1));
  } else {
    setContext(4, number2);
    setContext(5, hash3(number1, number2, <u32>last3));
  }
  if (hasSecond()) setContext(6, secondAt(row));
  else setContext(6, hasFirst() ? sizeClass(first) | (sizeClass(firstAt(row + 1)) << 7) : size1);
}

function setGroupContexts(lead: u32, sofar: u32, group: u32): void {
  const number1 = <u32>last1;
  const number2 = <u32>last2;
  setContext(0, hash2(lead, group));
  setContext(1, sofar);
  setContext(2, hash2(sofar, number1));
  setContext(3, hash3(sofar, number1, number2));
  setContext(4, hash2(sofar, firstAt(row)));
  setContext(5, hash2(sofar, hasSecond() ? secondAt(row) : number2));
  setContext(6, group);
}

/** Steps through a file often go away and back: the next one may undo those before. */
function foreseeReturn(): void {
  const step = unzigzag(last1);
  const skipped = row > 1 ? <i64>secondAt(row - 1) + <i64>secondAt(row - 2) : 0;
  goingBack = zigzag(skipped - step);
  goingBackTwo = zigzag(-step - unzigzag(last2));
}

function zigzag(value: i64): u64 {
  return <u64>((value << 1) ^ (value >> 63));
}

function unzigzag(value: u64): i64 {
  return (<i64>(value >> 1)) ^ -(<i64>(value & 1));
}

function setSignedLeadContexts(): void {
  const lead1 = leadOf(last1);
  const lead2 = leadOf(last2);
  const back = leadOf(goingBack);
  const previousRow = row > 0 ? row - 1 : 0;
  setContext(0, 0);
  setContext(1, back);
  setContext(2, lead1 | (lead2 << 8));
  setContext(3, back | (leadOf(goingBackTwo) << 8));
  setContext(4, sizeClass(firstAt(row)) | (sizeClass(firstAt(previousRow)) << 7));
  setContext(
    5,
    sizeClass(secondAt(row)) | (sizeClass(secondAt(previousRow)) << 7) | ((lead1 >> 2) << 14),
  );
  setContext(6, lead2 | (leadOf(last3) << 8));
}

function setSignedGroupContexts(
  lead: u32,
  sofar: u32,
  group: u32,
  value: u64,
  bits: u32,
  width: u32,
): void {
  const place = hash2(group, bits);
  setContext(0, hash2(lead, group));
  setContext(1, sofar);
  setContext(2, hash2(place, foreseen(goingBack, value, bits, width)));
  setContext(3, hash2(place, foreseen(goingBackTwo, value, bits, width)));
  setContext(4, hash2(place, foreseen(last2, value, bits, width)));
  setContext(5, hash2(place, foreseen(last1, value, bits, width)));
  setContext(6, hash2(sofar, sizeClass(secondAt(row))));
}

/** The next bits if `guess` is right, when the bits so far agree with it; else how near they are. */
function foreseen(guess: u64, value: u64, bits: u32, width: u32): u32 {
  const size = guess >> 1;
  const upper = size >> (bits + width);
  if (upper == value) return 256 | ((<u32>(size >> bits)) & ((1 << width) - 1));
  if (upper + 1 == value) return 512;
  return upper == value + 1 ? 513 : 514;
}
