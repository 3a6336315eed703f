/* How a block tells its own codes: as their lengths, which have a code, too (RFC 1951 section 3.2.7). */
import { writeBits } from './bit-output';
import {
  TREE_BYTES,
  addOwnBits,
  buildTree,
  clearFrequencies,
  count,
  length,
  setLength,
  writeCode,
} from './huffman-tree';

const BIT_LENGTH_ELEMENTS: i32 = 19;
const MAX_BIT_LENGTH_BITS: i32 = 7;
const REPEAT_3_6: i32 = 16;
const REPEAT_ZERO_3_10: i32 = 17;
const REPEAT_ZERO_11_138: i32 = 18;

const bitLengthTree = memory.data(TREE_BYTES, 8);

const bitLengthExtra = memory.data<u8>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7]);
const bitLengthOrder = memory.data<u8>([
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
]);

/** The code of the code lengths; returns how many of its own lengths are written, minus one. */
export function buildBitLengthTree(
  literals: usize,
  literalMax: i32,
  distances: usize,
  distanceMax: i32,
): i32 {
  clearFrequencies(bitLengthTree);
  runLengths(literals, literalMax, false);
  runLengths(distances, distanceMax, false);
  buildTree(bitLengthTree, 0, bitLengthExtra, 0, BIT_LENGTH_ELEMENTS, MAX_BIT_LENGTH_BITS);
  let last = BIT_LENGTH_ELEMENTS - 1;
  while (last >= 3 && length(bitLengthTree, load<u8>(bitLengthOrder + last)) == 0) last--;
  addOwnBits(3 * (last + 1) + 5 + 5 + 4);
  return last;
}

/** Writes the two trees as the lengths of their codes. */
export function writeTrees(
  literals: usize,
  literalMax: i32,
  distances: usize,
  distanceMax: i32,
  bitLengthMax: i32,
): void {
  writeBits(literalMax + 1 - 257, 5);
  writeBits(distanceMax + 1 - 1, 5);
  writeBits(bitLengthMax + 1 - 4, 4);
  for (let rank = 0; rank <= bitLengthMax; rank++) {
    writeBits(length(bitLengthTree, load<u8>(bitLengthOrder + rank)), 3);
  }
  runLengths(literals, literalMax, true);
  runLengths(distances, distanceMax, true);
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
