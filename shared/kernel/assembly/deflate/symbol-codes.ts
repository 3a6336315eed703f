/* What every deflate stream shares: RFC 1951 sections 3.2.5 and 3.2.6. */
import { TREE_BYTES, makeCodesOfLengths, setLength } from './huffman-tree';

/** Literals come first in their tree, then the end of a block, then the lengths of matches. */
export const END_OF_BLOCK: i32 = 256;
export const FIRST_LENGTH: i32 = 257;
export const LITERAL_ELEMENTS: i32 = 286;
export const DISTANCE_ELEMENTS: i32 = 30;
const LENGTH_CODES: i32 = 29;

export const fixedLiteralTree = memory.data(TREE_BYTES, 8);
export const fixedDistanceTree = memory.data(TREE_BYTES, 8);
let tablesMade: bool = false;

export const lengthExtra = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]);
export const distanceExtra = memory.data<u8>([
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]);

/** Code number of each match length minus 3, and the first length of each code. */
export const lengthCodes = memory.data(256, 8);
export const lengthBases = memory.data(LENGTH_CODES * 4, 8);
/** Code number of each distance minus 1: the first 256, then by 128. */
const distanceCodes = memory.data(512, 8);
export const distanceBases = memory.data(DISTANCE_ELEMENTS * 4, 8);

export function distanceCode(distance: u32): i32 {
  const place: u32 = distance < 256 ? distance : 256 + (distance >> 7);
  return load<u8>(distanceCodes + place);
}

/** The fixed codes (RFC 1951 section 3.2.6) and the codes of lengths and distances (3.2.5). */
export function makeTables(): void {
  if (tablesMade) return;
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
  for (let node = 0; node < 288; node++) {
    setLength(fixedLiteralTree, node, node < 144 ? 8 : node < 256 ? 9 : node < 280 ? 7 : 8);
  }
  makeCodesOfLengths(fixedLiteralTree, 287);
  for (let node = 0; node < DISTANCE_ELEMENTS; node++) setLength(fixedDistanceTree, node, 5);
  makeCodesOfLengths(fixedDistanceTree, DISTANCE_ELEMENTS - 1);
}
