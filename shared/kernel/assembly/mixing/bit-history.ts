/*
 * What a context has seen, in one byte: about how many zeros and ones, and which came last. The
 * table is made here from three rules, and so is part of the format.
 */

const LONGEST_RUN: i32 = 40;
const STATES: i32 = 256;

/** next state after a 0 and after a 1. */
const successors: usize = memory.data(STATES * 2);
/** Zeros and ones that a state stands for. */
const zeros: usize = memory.data(STATES);
const ones: usize = memory.data(STATES);
/** The state of (zeros, ones, last bit), while the table is made. */
const places: usize = memory.data(64 * 64 * 2);

/** Rule 1: how large the larger count may be beside the smaller. */
function largestBeside(smaller: i32): i32 {
  if (smaller == 0) return LONGEST_RUN;
  if (smaller == 1) return 20;
  if (smaller == 2) return 9;
  if (smaller == 3) return 6;
  if (smaller == 4) return 5;
  return 0;
}

function isAllowed(zeroCount: i32, oneCount: i32): bool {
  return max(zeroCount, oneCount) <= largestBeside(min(zeroCount, oneCount));
}

function placeOf(zeroCount: i32, oneCount: i32, last: i32): usize {
  return places + ((((zeroCount << 6) | oneCount) << 1) | last);
}

/** Fills the tables; call it first. State 0 has seen nothing. */
export function prepareBitHistory(): i32 {
  let count = 0;
  for (let total = 0; total <= LONGEST_RUN; total++) {
    for (let oneCount = 0; oneCount <= total; oneCount++) {
      const zeroCount = total - oneCount;
      if (!isAllowed(zeroCount, oneCount)) continue;
      for (let last = 0; last < 2; last++) {
        // Where only one bit was seen, the last one is known.
        const isKnown = zeroCount == 0 || oneCount == 0;
        if (isKnown && last == 1) {
          store<u8>(placeOf(zeroCount, oneCount, 1), <u8>(count - 1));
          continue;
        }
        store<u8>(placeOf(zeroCount, oneCount, last), <u8>count);
        store<u8>(zeros + count, <u8>zeroCount);
        store<u8>(ones + count, <u8>oneCount);
        count++;
      }
    }
  }
  let place = 0;
  for (let total = 0; total <= LONGEST_RUN; total++) {
    for (let oneCount = 0; oneCount <= total; oneCount++) {
      const zeroCount = total - oneCount;
      if (!isAllowed(zeroCount, oneCount)) continue;
      for (let last = 0; last < 2; last++) {
        if ((zeroCount == 0 || oneCount == 0) && last == 1) continue;
        store<u8>(successors + (place << 1), successor(zeroCount, oneCount, 0));
        store<u8>(successors + (place << 1) + 1, successor(zeroCount, oneCount, 1));
        place++;
      }
    }
  }
  return count;
}

function successor(zeroCount: i32, oneCount: i32, bit: i32): u8 {
  let seen = bit == 0 ? zeroCount : oneCount;
  let other = bit == 0 ? oneCount : zeroCount;
  seen = min(seen + 1, LONGEST_RUN);
  // Rule 2: what happened lately counts more, so a surprise makes the other count small.
  if (other > 2) other = 1 + (31 - <i32>clz<i32>(other));
  // Rule 3: what is too much for a byte goes from the larger count.
  while (!isAllowed(seen, other)) {
    if (seen > other) seen--;
    else other--;
  }
  return bit == 0 ? load<u8>(placeOf(seen, other, 0)) : load<u8>(placeOf(other, seen, 1));
}

export function nextState(state: u32, bit: u32): u32 {
  return load<u8>(successors + ((state << 1) | bit));
}

/** How much a state has seen, for choosing which one to forget. */
export function weightOf(state: u32): u32 {
  return <u32>load<u8>(zeros + state) + <u32>load<u8>(ones + state);
}

/** The first guess of a state's probability of a 1, 16 bits. */
export function guessOf(state: u32): u32 {
  const oneCount = <u32>load<u8>(ones + state);
  const total = oneCount + <u32>load<u8>(zeros + state);
  return ((2 * oneCount + 1) * 65535) / (2 * total + 2);
}
