/*
 * Symbols are collected, and at the end of a block written with codes made for it, with the fixed
 * codes, or as stored bytes, whichever is shortest, as zlib's trees.c does.
 */
import { alignOutput, clearOutput, hasRoom, writeBits, writeBytes } from './bit-output';
import { buildBitLengthTree, writeTrees } from './code-lengths';
import {
  MAX_BITS,
  TREE_BYTES,
  buildTree,
  clearBits,
  clearFrequencies,
  count,
  fixedBits,
  frequency,
  ownBits,
  writeCode,
} from './huffman-tree';
import {
  DISTANCE_ELEMENTS,
  END_OF_BLOCK,
  FIRST_LENGTH,
  LITERAL_ELEMENTS,
  distanceBases,
  distanceCode,
  distanceExtra,
  fixedDistanceTree,
  fixedLiteralTree,
  lengthBases,
  lengthCodes,
  lengthExtra,
  makeTables,
} from './symbol-codes';

export const MAX_SYMBOLS: i32 = 1 << 15;

const literalTree = memory.data(TREE_BYTES, 8);
const distanceTree = memory.data(TREE_BYTES, 8);

/** A symbol: the literal, or the length minus 3 with the distance above bit 8. */
const symbols = memory.data(MAX_SYMBOLS * 4, 8);
let symbolCount: i32 = 0;
let symbolLimit: i32 = 0;
let matchCount: i32 = 0;

let onlyFixed: bool = false;

/** Starts a stream; `fixed`: no own codes. Where it goes is told by `moveOutput`. */
export function startStream(maxSymbols: i32, fixed: bool): void {
  makeTables();
  clearOutput();
  symbolLimit = maxSymbols - 1;
  onlyFixed = fixed;
  startBlock();
}

function startBlock(): void {
  clearFrequencies(literalTree);
  clearFrequencies(distanceTree);
  count(literalTree, END_OF_BLOCK);
  clearBits();
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
  count(literalTree, <i32>load<u8>(lengthCodes + short) + FIRST_LENGTH);
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
    FIRST_LENGTH,
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
  const bitLengthMax = buildBitLengthTree(literalTree, literalMax, distanceTree, distanceMax);
  let bytes = (ownBits + 3 + 7) >> 3;
  const fixedBytes = (fixedBits + 3 + 7) >> 3;
  if (fixedBytes <= bytes || onlyFixed) bytes = fixedBytes;
  const storeIt = stored != 0 && storedLength + 4 <= bytes;
  // Both lengths are upper bounds of what is written, but for bits that wait in the buffer.
  if (!hasRoom((storeIt ? storedLength : bytes) + 32)) unreachable();
  if (storeIt) {
    writeStored(stored, storedLength, isLast);
  } else if (fixedBytes == bytes) {
    writeBits((1 << 1) | u32(isLast), 3);
    writeSymbols(fixedLiteralTree, fixedDistanceTree);
  } else {
    writeBits((2 << 1) | u32(isLast), 3);
    writeTrees(literalTree, literalMax, distanceTree, distanceMax, bitLengthMax);
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
  writeBits(storedLength | (~storedLength << 16), 32);
  writeBytes(stored, storedLength);
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
    writeCode(literals, lengthCode + FIRST_LENGTH);
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
