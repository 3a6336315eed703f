/*
 * Codes from frequencies, as zlib's trees.c makes them: every comparison is zlib's, ties included,
 * for the bytes must be the same. With them come the bits that a block takes.
 */
import { writeBits } from './bit-output';

/** Of the largest tree, that of literals and lengths. */
const MOST_ELEMENTS: i32 = 286;
const HEAP_SIZE: i32 = 2 * MOST_ELEMENTS + 1;
export const MAX_BITS: i32 = 15;

/** A tree: frequencies, lengths (while it is built: the parents) and codes, one u32 a node. */
const NODES: usize = HEAP_SIZE + 1;
const FREQUENCY: usize = 0;
const LENGTH: usize = NODES << 2;
const CODE: usize = NODES << 3;
export const TREE_BYTES: i32 = (HEAP_SIZE + 1) * 12;

const heapNodes = memory.data((HEAP_SIZE + 1) * 4, 8);
const depths = memory.data(HEAP_SIZE + 1, 8);
const lengthCounts = memory.data((MAX_BITS + 1) * 4, 8);
const nextCodes = memory.data((MAX_BITS + 1) * 4, 8);

/** Bits of the block with its own codes and with the fixed ones. */
export let ownBits: u32 = 0;
export let fixedBits: u32 = 0;
let maxCode: i32 = 0;

export function clearBits(): void {
  ownBits = 0;
  fixedBits = 0;
}

/** Adds what the block's own codes take beside its symbols. */
export function addOwnBits(bits: u32): void {
  ownBits += bits;
}

export function clearFrequencies(tree: usize): void {
  memory.fill(tree + FREQUENCY, 0, LENGTH);
}

export function frequency(tree: usize, node: i32): u32 {
  return load<u32>(tree + ((<usize>node) << 2), FREQUENCY);
}

export function length(tree: usize, node: i32): i32 {
  return load<i32>(tree + ((<usize>node) << 2), LENGTH);
}

function setFrequency(tree: usize, node: i32, value: u32): void {
  store<u32>(tree + ((<usize>node) << 2), value, FREQUENCY);
}

export function setLength(tree: usize, node: i32, value: i32): void {
  store<i32>(tree + ((<usize>node) << 2), value, LENGTH);
}

export function count(tree: usize, node: i32): void {
  setFrequency(tree, node, frequency(tree, node) + 1);
}

export function writeCode(tree: usize, node: i32): void {
  const at = tree + ((<usize>node) << 2);
  writeBits(load<u32>(at, CODE), load<u32>(at, LENGTH));
}

/** Makes the code lengths of the counted elements, and their codes; the last one that is used. */
export function buildTree(
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

function heapNode(place: i32): i32 {
  return load<i32>(heapNodes + ((<usize>place) << 2));
}

function setHeapNode(place: i32, node: i32): void {
  store<i32>(heapNodes + ((<usize>place) << 2), node);
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

/** Makes the codes of elements up to `last`, whose lengths are set. */
export function makeCodesOfLengths(tree: usize, last: i32): void {
  memory.fill(lengthCounts, 0, (MAX_BITS + 1) * 4);
  for (let node = 0; node <= last; node++) addToCount(length(tree, node), 1);
  makeCodes(tree, last);
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
