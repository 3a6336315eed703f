/*
 * zlib's trees.c in the words of RFC 1951: symbols are collected, and at the end of a block written
 * with codes made for it, with the fixed codes, or as stored bytes, whichever is shortest. Every
 * comparison is zlib's, ties included: the bytes must be the same.
 */

const LITERALS: i32 = 256;
const END_OF_BLOCK: i32 = 256;
const LENGTH_CODES: i32 = 29;
const LITERAL_ELEMENTS: i32 = 286;
const DISTANCE_ELEMENTS: i32 = 30;
const BIT_LENGTH_ELEMENTS: i32 = 19;
const HEAP_SIZE: i32 = 2 * LITERAL_ELEMENTS + 1;
const MAX_BITS: i32 = 15;
const MAX_BIT_LENGTH_BITS: i32 = 7;
const REPEAT_3_6: i32 = 16;
const REPEAT_ZERO_3_10: i32 = 17;
const REPEAT_ZERO_11_138: i32 = 18;
export const MAX_SYMBOLS: i32 = 1 << 15;

/** A tree: frequencies, lengths (while it is built: the parents) and codes, one u32 a node. */
const NODES: usize = HEAP_SIZE + 1;
const FREQUENCY: usize = 0;
const LENGTH: usize = NODES << 2;
const CODE: usize = NODES << 3;
const TREE_BYTES: i32 = (HEAP_SIZE + 1) * 12;

const literalTree = memory.data(TREE_BYTES, 8);
const distanceTree = memory.data(TREE_BYTES, 8);
const bitLengthTree = memory.data(TREE_BYTES, 8);
const fixedLiteralTree = memory.data(TREE_BYTES, 8);
const fixedDistanceTree = memory.data(TREE_BYTES, 8);

const heapNodes = memory.data((HEAP_SIZE + 1) * 4, 8);
const depths = memory.data(HEAP_SIZE + 1, 8);
const lengthCounts = memory.data((MAX_BITS + 1) * 4, 8);
const nextCodes = memory.data((MAX_BITS + 1) * 4, 8);

const lengthExtra = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]);
const distanceExtra = memory.data<u8>([
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]);
const bitLengthExtra = memory.data<u8>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7]);
const bitLengthOrder = memory.data<u8>([
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
]);

/** Code number of each match length minus 3, and the first length of each code. */
const lengthCodes = memory.data(256, 8);
const lengthBases = memory.data(LENGTH_CODES * 4, 8);
/** Code number of each distance minus 1: the first 256, then by 128. */
const distanceCodes = memory.data(512, 8);
const distanceBases = memory.data(DISTANCE_ELEMENTS * 4, 8);

/** A symbol: the literal, or the length minus 3 with the distance above bit 8. */
const symbols = memory.data(MAX_SYMBOLS * 4, 8);
let symbolCount: i32 = 0;
let symbolLimit: i32 = 0;
let matchCount: i32 = 0;

/** Bits of the block with its own codes and with the fixed ones. */
let ownBits: u32 = 0;
let fixedBits: u32 = 0;
let maxCode: i32 = 0;
let tablesMade: bool = false;
let onlyFixed: bool = false;

let output: usize = 0;
let outputEnd: usize = 0;
let bitBuffer: u64 = 0;
let bitCount: u32 = 0;

function frequency(tree: usize, node: i32): u32 {
  return load<u32>(tree + ((<usize>node) << 2), FREQUENCY);
}

function length(tree: usize, node: i32): i32 {
  return load<i32>(tree + ((<usize>node) << 2), LENGTH);
}

function setFrequency(tree: usize, node: i32, value: u32): void {
  store<u32>(tree + ((<usize>node) << 2), value, FREQUENCY);
}

function setLength(tree: usize, node: i32, value: i32): void {
  store<i32>(tree + ((<usize>node) << 2), value, LENGTH);
}

function count(tree: usize, node: i32): void {
  setFrequency(tree, node, frequency(tree, node) + 1);
}

function heapNode(place: i32): i32 {
  return load<i32>(heapNodes + ((<usize>place) << 2));
}

function setHeapNode(place: i32, node: i32): void {
  store<i32>(heapNodes + ((<usize>place) << 2), node);
}

function distanceCode(distance: u32): i32 {
  const place: u32 = distance < 256 ? distance : 256 + (distance >> 7);
  return load<u8>(distanceCodes + place);
}

/** Starts a stream whose packed bytes go to `start`, at most up to `end`; `fixed`: no own codes. */
export function startStream(start: usize, end: usize, maxSymbols: i32, fixed: bool): void {
  if (!tablesMade) makeTables();
  output = start;
  outputEnd = end;
  bitBuffer = 0;
  bitCount = 0;
  symbolLimit = maxSymbols - 1;
  onlyFixed = fixed;
  startBlock();
}

/** Goes on elsewhere, with the bits that do not fill a byte yet. */
export function moveOutput(start: usize, end: usize): void {
  output = start;
  outputEnd = end;
}

/** Where the next packed byte goes; bits that do not fill one are still to come. */
export function outputPlace(): usize {
  return output;
}

function startBlock(): void {
  memory.fill(literalTree + FREQUENCY, 0, LENGTH);
  memory.fill(distanceTree + FREQUENCY, 0, LENGTH);
  memory.fill(bitLengthTree + FREQUENCY, 0, LENGTH);
  setFrequency(literalTree, END_OF_BLOCK, 1);
  ownBits = 0;
  fixedBits = 0;
  symbolCount = 0;
  matchCount = 0;
}

/** Adds a literal; true: the block is full. */
export function addLiteral(byte: u32): bool {
  store<u32>(symbols + ((<usize>symbolCount) << 2), byte);
  symbolCount++;
  count(literalTree, byte);
  return symbolCount == symbolLimit;
}

/** Adds a match of `matchLength` from 3 to 258; true: the block is full. */
export function addMatch(distance: u32, matchLength: u32): bool {
  const short = matchLength - 3;
  store<u32>(symbols + ((<usize>symbolCount) << 2), short | (distance << 8));
  symbolCount++;
  matchCount++;
  count(literalTree, <i32>load<u8>(lengthCodes + short) + LITERALS + 1);
  count(distanceTree, distanceCode(distance - 1));
  return symbolCount == symbolLimit;
}

/**
 * GNU gzip's guess, after every 4,096 symbols, that the block of `inputLength` bytes so far packs
 * into less than half without many matches: what follows may want other codes.
 */
export function packsWell(inputLength: u32): bool {
  if ((symbolCount & 0xfff) != 0) return false;
  let bits: u32 = symbolCount << 3;
  for (let code = 0; code < DISTANCE_ELEMENTS; code++) {
    bits += frequency(distanceTree, code) * (5 + load<u8>(distanceExtra + code));
  }
  return matchCount < symbolCount / 2 && bits >> 3 < inputLength / 2;
}

/** Writes the block of the added symbols; `stored` are its bytes, 0 when they are out of reach. */
export function flushBlock(stored: usize, storedLength: u32, isLast: bool): void {
  const literalMax = buildTree(
    literalTree,
    fixedLiteralTree,
    lengthExtra,
    LITERALS + 1,
    LITERAL_ELEMENTS,
    MAX_BITS,
  );
  const distanceMax = buildTree(
    distanceTree,
    fixedDistanceTree,
    distanceExtra,
    0,
    DISTANCE_ELEMENTS,
    MAX_BITS,
  );
  const bitLengthMax = buildBitLengthTree(literalMax, distanceMax);
  let bytes = (ownBits + 3 + 7) >> 3;
  const fixedBytes = (fixedBits + 3 + 7) >> 3;
  if (fixedBytes <= bytes || onlyFixed) bytes = fixedBytes;
  const storeIt = stored != 0 && storedLength + 4 <= bytes;
  // Both lengths are upper bounds of what is written, but for bits that wait in the buffer.
  if (output + (storeIt ? storedLength : bytes) + 32 > outputEnd) unreachable();
  if (storeIt) {
    writeStored(stored, storedLength, isLast);
  } else if (fixedBytes == bytes) {
    writeBits((1 << 1) | u32(isLast), 3);
    writeSymbols(fixedLiteralTree, fixedDistanceTree);
  } else {
    writeBits((2 << 1) | u32(isLast), 3);
    writeTrees(literalMax, distanceMax, bitLengthMax);
    writeSymbols(literalTree, distanceTree);
  }
  startBlock();
  if (isLast) alignOutput();
}

function writeStored(stored: usize, storedLength: u32, isLast: bool): void {
  // The length has 16 bits; a block that reaches them has fewer packed bytes.
  if (storedLength > 0xffff) unreachable();
  writeBits(u32(isLast), 3);
  alignOutput();
  store<u16>(output, <u16>storedLength);
  store<u16>(output + 2, <u16>~storedLength);
  memory.copy(output + 4, stored, storedLength);
  output += 4 + storedLength;
}

function writeBits(value: u32, bits: u32): void {
  bitBuffer |= (<u64>value) << bitCount;
  bitCount += bits;
  if (bitCount >= 32) {
    store<u32>(output, <u32>bitBuffer);
    output += 4;
    bitBuffer >>= 32;
    bitCount -= 32;
  }
}

function alignOutput(): void {
  for (; bitCount > 0; bitCount = bitCount > 8 ? bitCount - 8 : 0) {
    store<u8>(output, <u8>bitBuffer);
    output++;
    bitBuffer >>= 8;
  }
  bitBuffer = 0;
}

function writeCode(tree: usize, node: i32): void {
  const at = tree + ((<usize>node) << 2);
  writeBits(load<u32>(at, CODE), load<u32>(at, LENGTH));
}

function writeSymbols(literals: usize, distances: usize): void {
  for (let i = 0; i < symbolCount; i++) {
    const symbol = load<u32>(symbols + ((<usize>i) << 2));
    let distance = symbol >> 8;
    const value = symbol & 0xff;
    if (distance == 0) {
      writeCode(literals, value);
      continue;
    }
    const lengthCode: i32 = load<u8>(lengthCodes + value);
    writeCode(literals, lengthCode + LITERALS + 1);
    const lengthBase = load<u32>(lengthBases + ((<usize>lengthCode) << 2));
    writeBits(value - lengthBase, load<u8>(lengthExtra + lengthCode));
    distance--;
    const code = distanceCode(distance);
    writeCode(distances, code);
    const base = load<u32>(distanceBases + ((<usize>code) << 2));
    writeBits(distance - base, load<u8>(distanceExtra + code));
  }
  writeCode(literals, END_OF_BLOCK);
}

/** Makes the code lengths of the counted elements, and their codes; the last one that is used. */
function buildTree(
  tree: usize,
  fixed: usize,
  extra: usize,
  extraBase: i32,
  elements: i32,
  maxLength: i32,
): i32 {
  let heapLength = 0;
  let heapMax = HEAP_SIZE;
  let last = -1;
  for (let node = 0; node < elements; node++) {
    if (frequency(tree, node) != 0) {
      setHeapNode(++heapLength, node);
      last = node;
      store<u8>(depths + node, 0);
    } else {
      setLength(tree, node, 0);
    }
  }
  // At least two codes, so that a decoder has something to decode.
  while (heapLength < 2) {
    const node = last < 2 ? ++last : 0;
    setHeapNode(++heapLength, node);
    setFrequency(tree, node, 1);
    store<u8>(depths + node, 0);
    ownBits--;
    if (fixed != 0) fixedBits -= length(fixed, node);
  }
  maxCode = last;
  for (let place = heapLength >> 1; place >= 1; place--) siftDown(tree, place, heapLength);
  let node = elements;
  do {
    const least = heapNode(1);
    setHeapNode(1, heapNode(heapLength--));
    siftDown(tree, 1, heapLength);
    const next = heapNode(1);
    setHeapNode(--heapMax, least);
    setHeapNode(--heapMax, next);
    setFrequency(tree, node, frequency(tree, least) + frequency(tree, next));
    store<u8>(depths + node, max(load<u8>(depths + least), load<u8>(depths + next)) + 1);
    setLength(tree, least, node);
    setLength(tree, next, node);
    setHeapNode(1, node++);
    siftDown(tree, 1, heapLength);
  } while (heapLength >= 2);
  setHeapNode(--heapMax, heapNode(1));
  limitLengths(tree, fixed, extra, extraBase, maxLength, heapMax);
  makeCodes(tree, last);
  return last;
}

function isSmaller(tree: usize, one: i32, other: i32): bool {
  const a = frequency(tree, one);
  const b = frequency(tree, other);
  return a < b || (a == b && load<u8>(depths + one) <= load<u8>(depths + other));
}

function siftDown(tree: usize, place: i32, heapLength: i32): void {
  const moved = heapNode(place);
  let child = place << 1;
  while (child <= heapLength) {
    if (child < heapLength && isSmaller(tree, heapNode(child + 1), heapNode(child))) child++;
    if (isSmaller(tree, moved, heapNode(child))) break;
    setHeapNode(place, heapNode(child));
    place = child;
    child <<= 1;
  }
  setHeapNode(place, moved);
}

/** Depths become lengths of at most `maxLength` bits, and the bits of the block are counted. */
function limitLengths(
  tree: usize,
  fixed: usize,
  extra: usize,
  extraBase: i32,
  maxLength: i32,
  heapMax: i32,
): void {
  memory.fill(lengthCounts, 0, (MAX_BITS + 1) * 4);
  setLength(tree, heapNode(heapMax), 0);
  let tooLong = 0;
  for (let place = heapMax + 1; place < HEAP_SIZE; place++) {
    const node = heapNode(place);
    let bits = length(tree, length(tree, node)) + 1;
    if (bits > maxLength) {
      bits = maxLength;
      tooLong++;
    }
    setLength(tree, node, bits);
    if (node > maxCode) continue;
    addToCount(bits, 1);
    const extraBits: u32 = node >= extraBase ? load<u8>(extra + (node - extraBase)) : 0;
    const times = frequency(tree, node);
    ownBits += times * (bits + extraBits);
    if (fixed != 0) fixedBits += times * (length(fixed, node) + extraBits);
  }
  if (tooLong == 0) return;
  do {
    let bits = maxLength - 1;
    while (lengthCount(bits) == 0) bits--;
    addToCount(bits, -1);
    addToCount(bits + 1, 2);
    addToCount(maxLength, -1);
    tooLong -= 2;
  } while (tooLong > 0);
  let place = HEAP_SIZE;
  for (let bits = maxLength; bits != 0; bits--) {
    for (let left = lengthCount(bits); left != 0;) {
      const node = heapNode(--place);
      if (node > maxCode) continue;
      if (length(tree, node) != bits) {
        ownBits += (bits - length(tree, node)) * frequency(tree, node);
        setLength(tree, node, bits);
      }
      left--;
    }
  }
}

function lengthCount(bits: i32): i32 {
  return load<i32>(lengthCounts + ((<usize>bits) << 2));
}

function addToCount(bits: i32, change: i32): void {
  store<i32>(lengthCounts + ((<usize>bits) << 2), lengthCount(bits) + change);
}

/** Codes in the order of their lengths (RFC 1951 section 3.2.2), the first bit lowest. */
function makeCodes(tree: usize, last: i32): void {
  let code: u32 = 0;
  for (let bits = 1; bits <= MAX_BITS; bits++) {
    code = (code + lengthCount(bits - 1)) << 1;
    store<u32>(nextCodes + ((<usize>bits) << 2), code);
  }
  for (let node = 0; node <= last; node++) {
    const bits = length(tree, node);
    if (bits == 0) continue;
    const next = nextCodes + ((<usize>bits) << 2);
    let rest = load<u32>(next);
    store<u32>(next, rest + 1);
    let reversed: u32 = 0;
    for (let i = 0; i < bits; i++) {
      reversed = (reversed << 1) | (rest & 1);
      rest >>= 1;
    }
    store<u32>(tree + ((<usize>node) << 2), reversed, CODE);
  }
}

/** The code of the code lengths; returns how many of its own lengths are written, minus one. */
function buildBitLengthTree(literalMax: i32, distanceMax: i32): i32 {
  runLengths(literalTree, literalMax, false);
  runLengths(distanceTree, distanceMax, false);
  buildTree(bitLengthTree, 0, bitLengthExtra, 0, BIT_LENGTH_ELEMENTS, MAX_BIT_LENGTH_BITS);
  let last = BIT_LENGTH_ELEMENTS - 1;
  while (last >= 3 && length(bitLengthTree, load<u8>(bitLengthOrder + last)) == 0) last--;
  ownBits += 3 * (last + 1) + 5 + 5 + 4;
  return last;
}

function writeTrees(literalMax: i32, distanceMax: i32, bitLengthMax: i32): void {
  writeBits(literalMax + 1 - 257, 5);
  writeBits(distanceMax + 1 - 1, 5);
  writeBits(bitLengthMax + 1 - 4, 4);
  for (let rank = 0; rank <= bitLengthMax; rank++) {
    writeBits(length(bitLengthTree, load<u8>(bitLengthOrder + rank)), 3);
  }
  runLengths(literalTree, literalMax, true);
  runLengths(distanceTree, distanceMax, true);
}

/** The code lengths of a tree with their repetitions (RFC 1951 section 3.2.7): counted or written. */
function runLengths(tree: usize, last: i32, writes: bool): void {
  let before = -1;
  let next = length(tree, 0);
  let run = 0;
  let mostRun = next == 0 ? 138 : 7;
  let leastRun = next == 0 ? 3 : 4;
  // A length that ends the last run.
  setLength(tree, last + 1, 0xffff);
  for (let node = 0; node <= last; node++) {
    const current = next;
    next = length(tree, node + 1);
    if (++run < mostRun && current == next) continue;
    if (run < leastRun) {
      for (; run > 0; run--) emitLength(current, 0, 0, writes);
    } else if (current != 0) {
      if (current != before) {
        emitLength(current, 0, 0, writes);
        run--;
      }
      emitLength(REPEAT_3_6, run - 3, 2, writes);
    } else if (run <= 10) {
      emitLength(REPEAT_ZERO_3_10, run - 3, 3, writes);
    } else {
      emitLength(REPEAT_ZERO_11_138, run - 11, 7, writes);
    }
    run = 0;
    before = current;
    mostRun = next == 0 ? 138 : current == next ? 6 : 7;
    leastRun = next == 0 || current == next ? 3 : 4;
  }
}

function emitLength(symbol: i32, extra: u32, extraBits: u32, writes: bool): void {
  if (!writes) {
    count(bitLengthTree, symbol);
    return;
  }
  writeCode(bitLengthTree, symbol);
  if (extraBits != 0) writeBits(extra, extraBits);
}

/** The fixed codes (RFC 1951 section 3.2.6) and the codes of lengths and distances (3.2.5). */
function makeTables(): void {
  tablesMade = true;
  let next: u32 = 0;
  for (let code = 0; code < LENGTH_CODES - 1; code++) {
    store<u32>(lengthBases + ((<usize>code) << 2), next);
    for (let i = 0; i < 1 << load<u8>(lengthExtra + code); i++) {
      store<u8>(lengthCodes + next++, <u8>code);
    }
  }
  // The longest match has a code of its own; the table's last entry was that of 27 with all bits.
  store<u32>(lengthBases + ((LENGTH_CODES - 1) << 2), 255);
  store<u8>(lengthCodes + 255, LENGTH_CODES - 1);
  next = 0;
  for (let code = 0; code < DISTANCE_ELEMENTS; code++) {
    store<u32>(distanceBases + ((<usize>code) << 2), next);
    const span: u32 = 1 << load<u8>(distanceExtra + code);
    if (code < 16) {
      memory.fill(distanceCodes + next, <u8>code, span);
    } else {
      memory.fill(distanceCodes + 256 + (next >> 7), <u8>code, span >> 7);
    }
    next += span;
  }
  memory.fill(lengthCounts, 0, (MAX_BITS + 1) * 4);
  for (let node = 0; node < 288; node++) {
    const bits = node < 144 ? 8 : node < 256 ? 9 : node < 280 ? 7 : 8;
    setLength(fixedLiteralTree, node, bits);
    addToCount(bits, 1);
  }
  makeCodes(fixedLiteralTree, 287);
  memory.fill(lengthCounts, 0, (MAX_BITS + 1) * 4);
  for (let node = 0; node < DISTANCE_ELEMENTS; node++) setLength(fixedDistanceTree, node, 5);
  addToCount(5, DISTANCE_ELEMENTS);
  makeCodes(fixedDistanceTree, DISTANCE_ELEMENTS - 1);
}
