/*
 * The mixing coder of streams/FORMAT.md. `prepare`, then either fill the content, `startEncoding`,
 * `codeStream` for each stream and `finishEncoding`; or fill the input, `startDecoding` and
 * `codeStream` for each stream.
 */

import { closeColumn, openColumn } from './mixing/columns';
import { codeNumbers } from './mixing/numbers';
import { preparePredictor, startStream } from './mixing/predictor';
import {
  finishEncoding as finishOutput,
  startDecoding as startInput,
  startEncoding as startOutput,
} from './mixing/range-coder';
import { codeSymbols } from './mixing/symbols';

/* The kinds of streams, as the doors name them. */
const NUMBERS: i32 = 0;
const SIGNED: i32 = 1;

let content: usize = 0;
let at: usize = 0;
let packed: usize = 0;
let isDecoding: bool = false;

/** Room for the content of all streams; everything else that they need is allocated too. */
export function prepare(length: u32): usize {
  content = heap.alloc(length);
  at = content;
  preparePredictor(length);
  return content;
}

/** Output beyond `capacity` is counted, not kept. */
export function startEncoding(capacity: u32): usize {
  isDecoding = false;
  packed = heap.alloc(capacity);
  startOutput(packed, capacity);
  return packed;
}

/** The length of the output. */
export function finishEncoding(): u32 {
  return finishOutput(packed);
}

/** Room for the input, to be filled before readInput. */
export function allocateInput(length: u32): usize {
  isDecoding = true;
  packed = heap.alloc(length);
  return packed;
}

export function startDecoding(length: u32): void {
  startInput(packed, length);
}

/**
 * Codes stream number `index`, counted from 0, in the order of the content; companions are numbers
 * of earlier streams, or -1. False for input that makes no stream of this length.
 */
export function codeStream(
  index: i32,
  kind: i32,
  length: u32,
  firstCompanion: i32,
  secondCompanion: i32,
): bool {
  startStream(isDecoding);
  openColumn(index, length, firstCompanion, secondCompanion);
  const end = at + length;
  let isWhole = true;
  if (kind == NUMBERS || kind == SIGNED) {
    isWhole = codeNumbers(at, end, kind == SIGNED, isDecoding);
  } else {
    codeSymbols(kind, at, end, isDecoding);
  }
  at = end;
  closeColumn(index);
  return isWhole;
}
