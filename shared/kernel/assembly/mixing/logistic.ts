/*
 * Probabilities and their logarithmic odds. A probability has 16 bits, the odds are natural
 * logarithms in units of 1/256, from -2047 to 2047. All in integers: the same on every machine.
 */

export const ODDS_LIMIT: i32 = 2047;
const ODDS_COUNT: i32 = 2 * (ODDS_LIMIT + 1);
/** Odds are looked up by the upper 12 bits of a probability. */
const COARSE_COUNT: i32 = 4096;
/** e^(-1/256) times 2^32. */
const DECAY: u64 = 4278222805;
const ONE: u64 = 1 << 30;

const probabilities: usize = memory.data(ODDS_COUNT * 2);
const coarseOdds: usize = memory.data(COARSE_COUNT * 2);

/** Fills the tables; call it first. */
export function prepareLogistic(): void {
  // power is e^(-odds / 256), for odds from 0 up; both halves of the table come from it.
  let power: u64 = ONE;
  for (let odds = 0; odds <= ODDS_LIMIT; odds++) {
    const likely = <u32>((ONE << 16) / (ONE + power));
    setProbability(odds, min<u32>(likely, 65535));
    setProbability(-odds, max<u32>(65536 - likely, 1));
    power = (power * DECAY) >> 32;
  }
  let next = 0;
  for (let odds = -ODDS_LIMIT; odds <= ODDS_LIMIT; odds++) {
    const end = <i32>(probabilityOf(odds) >> 4);
    for (; next <= end; next++) store<i16>(coarseOdds + (next << 1), <i16>odds);
  }
  for (; next < COARSE_COUNT; next++) store<i16>(coarseOdds + (next << 1), <i16>ODDS_LIMIT);
}

function setProbability(odds: i32, probability: u32): void {
  store<u16>(probabilities + ((odds + ODDS_LIMIT + 1) << 1), <u16>probability);
}

/** The probability, 1 to 65535, of odds within the limit. */
export function probabilityOf(odds: i32): u32 {
  return load<u16>(probabilities + ((odds + ODDS_LIMIT + 1) << 1));
}

/** The odds of a probability of 12 bits. */
export function oddsOf(coarse: u32): i32 {
  return load<i16>(coarseOdds + (coarse << 1));
}

export function clampOdds(odds: i32): i32 {
  return max(-ODDS_LIMIT, min(ODDS_LIMIT, odds));
}
