import { ODDS_LIMIT, probabilityOf } from './logistic';

/*
 * The last correction: two tables know what became of such odds before, one by the bits of this
 * symbol, one by the symbol before too. They have a point for each 128 units of the odds.
 */

const POINTS: i32 = 33;
const SPACING_BITS: i32 = 7;
const SPACING: u32 = 1 << SPACING_BITS;
const LONG_SETS: u32 = 65_536;
const LEARNING_SHIFT: i32 = 5;
/** Nothing is ever certain. */
const MARGIN: u32 = 16;

/** What the points are without corrections. The tables hold differences, so they begin as zeros. */
const uncorrected: usize = memory.data(POINTS * 2);
let shortTable: usize = 0;
let longTable: usize = 0;
/** The points nearest to the odds of this bit. */
let nearest: usize = 0;
let shortPlace: usize = 0;
let longPlace: usize = 0;

/** Call it first: how many sets of points the short table has. */
export function prepareCorrection(shortSets: i32): void {
  shortTable = heap.alloc(shortSets * POINTS * 2);
  longTable = heap.alloc(LONG_SETS * POINTS * 2);
  for (let point = 0; point < POINTS; point++) {
    const odds = max(-ODDS_LIMIT, min(ODDS_LIMIT, (point << SPACING_BITS) - 2048));
    store<u16>(uncorrected + (point << 1), <u16>probabilityOf(odds));
  }
}

/** The probability of a 1, 16 bits, of mixed odds; `symbolBefore` has 8 bits. */
export function correct(odds: i32, shortSet: u32, symbolBefore: u32): u32 {
  const scaled = <u32>(odds + 2048);
  const point = scaled >> SPACING_BITS;
  const fraction = scaled & (SPACING - 1);
  const longSet = (shortSet * 0x101 + (symbolBefore << 8)) & (LONG_SETS - 1);
  nearest = uncorrected + (point << 1);
  shortPlace = shortTable + ((shortSet * POINTS + point) << 1);
  longPlace = longTable + ((longSet * POINTS + point) << 1);
  const short = interpolate(shortPlace, fraction);
  const long = interpolate(longPlace, fraction);
  if (fraction >= SPACING / 2) {
    nearest += 2;
    shortPlace += 2;
    longPlace += 2;
  }
  const probability = (probabilityOf(odds) + short + 2 * long) >> 2;
  return max(MARGIN, min(65_536 - MARGIN, probability));
}

function interpolate(place: usize, fraction: u32): u32 {
  const lower = (<u32>load<u16>(nearest) + <u32>load<u16>(place)) & 0xffff;
  const upper = (<u32>load<u16>(nearest, 2) + <u32>load<u16>(place, 2)) & 0xffff;
  return (lower * (SPACING - fraction) + upper * fraction) >> SPACING_BITS;
}

export function learnCorrection(bit: u32): void {
  adjust(shortPlace, bit);
  adjust(longPlace, bit);
}

function adjust(place: usize, bit: u32): void {
  const origin = <u32>load<u16>(nearest);
  const value = <i32>((origin + <u32>load<u16>(place)) & 0xffff);
  const target = bit ? 65_535 : 0;
  store<u16>(place, <u16>(<u32>(value + ((target - value) >> LEARNING_SHIFT)) - origin));
}
