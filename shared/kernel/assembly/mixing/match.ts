import { adapt } from './adaptive';
import { oddsOf } from './logistic';
import { inputs } from './weights';

/* The longest repetition: where the last symbols were seen before, the next one may be the same. */

const MIN_MATCH: u32 = 4;
const MAX_LENGTH: u32 = 63;
const LENGTHS: i32 = 64;
const CONFIDENCE_LIMIT: u32 = 1023;
/** Three quarters, in the form of adaptive.ts. */
const FIRST_CONFIDENCE: u32 = 0xc0000000;

/** How sure a match of a length is, for each domain. */
let confidences: usize = 0;
let table: usize = 0;
let tableMask: u32 = 0;
let history: usize = 0;
let matchAt: u32 = 0;
let matchLength: u32 = 0;
/** The foreseen symbol with a 1 before it, or 0. */
let foreseen: u32 = 0;
/** Of the match while its symbol agrees with the bits so far, else 0. */
let confidence: usize = 0;
let foreseenBit: u32 = 0;

/** `symbols` is where the history is kept, of about `length` symbols. */
export function prepareMatch(symbols: usize, length: u32, domains: i32): void {
  history = symbols;
  let log: u32 = 10;
  while (log < 18 && (<u32>1) << log < length) log++;
  tableMask = (1 << log) - 1;
  table = heap.alloc(4 << log);
  confidences = heap.alloc(domains * LENGTHS * 4);
  for (let index = 0; index < domains * LENGTHS; index++) {
    store<u32>(confidences + (index << 2), FIRST_CONFIDENCE);
  }
}

/** Call it before each symbol; `position` symbols are known. */
export function findMatch(position: u32): void {
  if (matchLength > 0 && load<u8>(history + matchAt) == load<u8>(history + position - 1)) {
    matchAt++;
    if (matchLength < MAX_LENGTH) matchLength++;
  } else {
    matchLength = 0;
  }
  foreseen = 0;
  if (position < MIN_MATCH) return;
  const hash = (load<u32>(history + position - MIN_MATCH) * 0x9e3779b1) >> 14;
  const place = table + ((hash & tableMask) << 2);
  if (matchLength == 0) {
    matchAt = load<u32>(place);
    while (matchLength < 32 && matchLength < matchAt && isSameBehind(position)) matchLength++;
  }
  store<u32>(place, position);
  if (matchLength > 0) foreseen = 256 | (<u32>load<u8>(history + matchAt));
}

function isSameBehind(position: u32): bool {
  const distance = matchLength + 1;
  return load<u8>(history + matchAt - distance) == load<u8>(history + position - distance);
}

/** Writes the match's two inputs at `offset`, and returns a class of 0 (none) to 3 (long). */
export function predictMatch(offset: usize, domain: u32, partial: u32, bitsSeen: u32): u32 {
  if (foreseen == 0 || foreseen >> (8 - bitsSeen) != partial) {
    confidence = 0;
    store<i32>(inputs + offset, 0);
    store<i32>(inputs + offset, 0, 4);
    return 0;
  }
  confidence = confidences + ((domain * LENGTHS + matchLength) << 2);
  foreseenBit = (foreseen >> (7 - bitsSeen)) & 1;
  const probability = load<u32>(confidence) >> 20;
  const odds = oddsOf(probability);
  const difference = <i32>probability - 2048;
  store<i32>(inputs + offset, foreseenBit ? odds : -odds);
  store<i32>(inputs + offset, foreseenBit ? difference : -difference, 4);
  return matchLength < 8 ? 1 : matchLength < 24 ? 2 : 3;
}

export function learnMatch(bit: u32): void {
  if (confidence != 0) adapt(confidence, foreseenBit == bit ? 1 : 0, CONFIDENCE_LIMIT);
}
