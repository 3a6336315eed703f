import { clampOdds, probabilityOf } from './logistic';

/*
 * The mixers: the odds that the inputs give are weighted and summed, and the weights learn from the
 * error. Two sets of weights are chosen for each bit, and their odds averaged.
 */

/** Two for each context and two for the match. */
const INPUTS: i32 = 16;
const SET_BYTES: i32 = INPUTS * 4;
/** 65536 is 1; within this limit no lane of a sum leaves 32 bits. */
const WEIGHT_LIMIT: i32 = 262_000;
const STATE_WEIGHT: i32 = 14_336;
const COUNT_WEIGHT: i32 = 10_240;
/** How fast weights learn in the end, and how much faster at first. */
const FINAL_RATE: i32 = 30;
const EARLY_RATE: i32 = 8192;

/** Odds of two inputs for each context: i32 at 8 times its number, and 4 behind. */
export const inputs: usize = memory.data(SET_BYTES, 16);

let firstSets: usize = 0;
let secondSets: usize = 0;
let firstSet: usize = 0;
let secondSet: usize = 0;
let firstOdds: i32 = 0;
let secondOdds: i32 = 0;
let bitsLearned: i32 = 0;

/** Call it first: how many sets of weights there are to choose from. */
export function prepareWeights(firstCount: i32, secondCount: i32): void {
  firstSets = allocateSets(firstCount);
  secondSets = allocateSets(secondCount);
}

function allocateSets(count: i32): usize {
  const sets = heap.alloc(count * SET_BYTES);
  for (let index = 0; index < count * INPUTS; index++) {
    store<i32>(sets + (index << 2), index & 1 ? COUNT_WEIGHT : STATE_WEIGHT);
  }
  return sets;
}

/** The odds of a 1, by the inputs. */
export function mix(firstChoice: u32, secondChoice: u32): i32 {
  firstSet = firstSets + firstChoice * SET_BYTES;
  secondSet = secondSets + secondChoice * SET_BYTES;
  firstOdds = weigh(firstSet);
  secondOdds = weigh(secondSet);
  return (firstOdds + secondOdds) >> 1;
}

function weigh(weights: usize): i32 {
  let sum = i32x4.mul(v128.load(inputs), v128.load(weights));
  sum = i32x4.add(sum, i32x4.mul(v128.load(inputs, 16), v128.load(weights, 16)));
  sum = i32x4.add(sum, i32x4.mul(v128.load(inputs, 32), v128.load(weights, 32)));
  sum = i32x4.add(sum, i32x4.mul(v128.load(inputs, 48), v128.load(weights, 48)));
  // Each lane fits 32 bits, their sum may not.
  sum = i32x4.shr_s(sum, 2);
  const odds =
    i32x4.extract_lane(sum, 0) +
    i32x4.extract_lane(sum, 1) +
    i32x4.extract_lane(sum, 2) +
    i32x4.extract_lane(sum, 3);
  return clampOdds(odds >> 14);
}

/** Lets the two sets learn the bit that came. */
export function learnWeights(bit: u32): void {
  const rate = FINAL_RATE + EARLY_RATE / ((bitsLearned >> 4) + 16);
  if (bitsLearned < 65_535) bitsLearned++;
  const target = <i32>(bit << 16);
  train(firstSet, ((target - <i32>probabilityOf(firstOdds)) * rate) >> 10);
  train(secondSet, ((target - <i32>probabilityOf(secondOdds)) * rate) >> 10);
}

function train(weights: usize, amount: i32): void {
  const amounts = i32x4.splat(amount);
  trainFour(weights, 0, amounts);
  trainFour(weights, 16, amounts);
  trainFour(weights, 32, amounts);
  trainFour(weights, 48, amounts);
}

function trainFour(weights: usize, offset: usize, amounts: v128): void {
  const product = i32x4.mul(v128.load(inputs + offset), amounts);
  const change = i32x4.shr_s(i32x4.add(product, i32x4.splat(512)), 10);
  const weight = i32x4.add(v128.load(weights + offset), change);
  const bounded = i32x4.max_s(
    i32x4.splat(-WEIGHT_LIMIT),
    i32x4.min_s(i32x4.splat(WEIGHT_LIMIT), weight),
  );
  v128.store(weights + offset, bounded);
}
