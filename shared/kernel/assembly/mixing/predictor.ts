import { adapt, prepareAdaptive, rateOf } from './adaptive';
import { guessOf, nextState, prepareBitHistory, weightOf } from './bit-history';
import { correct, learnCorrection, prepareCorrection } from './correction';
import { oddsOf, prepareLogistic } from './logistic';
import { findMatch, learnMatch, predictMatch, prepareMatch } from './match';
import { decodeBit, encodeBit } from './range-coder';
import { inputs, learnWeights, mix, prepareWeights } from './weights';

/*
 * Codes symbols of up to 8 bits: for each bit, every context says what it has seen in this place,
 * in two ways; the mixers make one probability of that, and the range coder uses it.
 */

const CONTEXTS: i32 = 7;
/** Kinds of symbols that keep statistics apart. */
const DOMAINS: i32 = 8;
const STATES: i32 = 256;

/*
 * Slots: what a context has seen in half a symbol. A check of the context, then 15 nodes: a
 * probability of 16 bits, a count of 8, and a bit history of 8.
 */
const SLOT_BYTES: i32 = 64;
const FRESH_NODE: u32 = 0x80000000;
const CHECK_BIT: u32 = 0x10000;
const MIN_TABLE_LOG: u32 = 12;
const MAX_TABLE_LOG: u32 = 22;

let tables: usize = 0;
let tableBytes: u32 = 0;
let tableMask: u32 = 0;
const hashes: usize = memory.data(CONTEXTS * 4);
const slots: usize = memory.data(CONTEXTS * 4);
/** Where each context's node and the probability of its history are, from predict to learn. */
const places: usize = memory.data(CONTEXTS * 8);

/** The probability of each bit history in each context. */
let statePredictions: usize = 0;
const STATE_LIMIT: u32 = 255;
/** How far the count of a node lets its odds be trusted, of 256. */
const trusts: usize = memory.data(256 * 4);
const COUNT_LIMIT: u32 = 120;

let history: usize = 0;
let position: u32 = 0;
let isDecoding: bool = false;
let domain: u32 = 0;
/** The bits of this symbol so far, with a 1 before them. */
let partial: u32 = 1;

/** Allocates everything for streams of `length` bytes together. */
export function preparePredictor(length: u32): void {
  prepareLogistic();
  prepareAdaptive();
  prepareBitHistory();
  prepareWeights(DOMAINS * 256, DOMAINS * 32);
  prepareCorrection(DOMAINS * 256);
  // A varint of two bytes can become three symbols.
  history = heap.alloc(2 * length + 16);
  prepareMatch(history, length, DOMAINS);
  let log = MIN_TABLE_LOG;
  while (log < MAX_TABLE_LOG && (<u64>1) << log < <u64>length * SLOT_BYTES) log++;
  tableBytes = 1 << log;
  tableMask = tableBytes / SLOT_BYTES - 1;
  tables = (heap.alloc(CONTEXTS * tableBytes + SLOT_BYTES) + SLOT_BYTES) & ~(SLOT_BYTES - 1);
  statePredictions = heap.alloc(DOMAINS * CONTEXTS * STATES * 4);
  for (let index = 0; index < DOMAINS * CONTEXTS * STATES; index++) {
    store<u32>(statePredictions + (index << 2), (guessOf(index & 255) >> 6) << 22);
  }
  for (let count = 0; count < 256; count++) {
    store<i32>(trusts + (count << 2), (512 * count) / (2 * count + 3));
  }
}

export function startStream(decode: bool): void {
  isDecoding = decode;
}

/** Call it before the contexts of a symbol are set. */
export function setDomain(value: u32): void {
  domain = value;
}

export function setContext(index: u32, value: u32): void {
  store<u32>(hashes + (index << 2), (value + domain * 0x3c6ef372) * 0x9e3779b1);
}

/**
 * Codes the lower `bits` bits, 1 to 8, of a symbol after its contexts were set, and returns the
 * symbol: the one given when encoding, the one found when decoding.
 */
export function codeSymbol(symbol: u32, bits: u32): u32 {
  findMatch(position);
  const symbolBefore = position > 0 ? <u32>load<u8>(history + position - 1) : 0;
  partial = 1;
  if (bits > 4) findSlots();
  // The upper bits that are not coded count as zeros.
  partial = 1 << (8 - bits);
  for (let shift = <i32>bits - 1; shift >= 0; shift--) {
    if (shift == 3 || (shift == <i32>bits - 1 && shift < 3)) findSlots();
    const probability = predict(symbolBefore);
    let bit = (symbol >> shift) & 1;
    if (isDecoding) bit = decodeBit(probability);
    else encodeBit(bit, probability);
    learn(bit);
    partial = (partial << 1) | bit;
  }
  store<u8>(history + position, <u8>partial);
  position++;
  return partial & 255;
}

/** The slots for the first half of a symbol, or for the second one after the first. */
function findSlots(): void {
  const half = partial >= 16 ? partial >> (27 - clz<u32>(partial)) : 0;
  for (let index = 0; index < CONTEXTS; index++) {
    let hash = load<u32>(hashes + (index << 2));
    if (half > 0) hash = (hash ^ (half * 0x2c1b3c6d)) * 0x297a2d39;
    hash = (hash ^ (hash >> 15)) * 0x9e3779b1;
    store<u32>(slots + (index << 2), <u32>findSlot(tables + index * tableBytes, hash));
  }
}

/** The slot of a context, or the less used one of two to be its own from now on. */
function findSlot(table: usize, hash: u32): usize {
  const check = (hash & 0xffff) | CHECK_BIT;
  const place = (hash >> 8) & tableMask;
  const first = table + place * SLOT_BYTES;
  if (load<u32>(first) == check) return first;
  const second = table + (place ^ 1) * SLOT_BYTES;
  if (load<u32>(second) == check) return second;
  const slot = usesOf(first) <= usesOf(second) ? first : second;
  const fresh = i32x4.splat(FRESH_NODE);
  v128.store(slot, i32x4.replace_lane(fresh, 0, check));
  v128.store(slot, fresh, 16);
  v128.store(slot, fresh, 32);
  v128.store(slot, fresh, 48);
  return slot;
}

/** How much the first node of a slot has seen. */
function usesOf(slot: usize): u32 {
  return weightOf(load<u8>(slot + 4));
}

/** The node of the bits so far, 1 to 15 in either half. */
function nodeOf(bits: u32): u32 {
  if (bits < 16) return bits;
  const first: u32 = 1 << (27 - clz<u32>(bits));
  return first | (bits & (first - 1));
}

function predictionOf(index: u32, state: u32): usize {
  return statePredictions + (((domain * CONTEXTS + index) * STATES + state) << 2);
}

function predict(symbolBefore: u32): u32 {
  const node = nodeOf(partial) << 2;
  for (let index: u32 = 0; index < <u32>CONTEXTS; index++) {
    const place = load<u32>(slots + (index << 2)) + node;
    const value = load<u32>(place);
    const prediction = predictionOf(index, value & 255);
    store<u32>(places + (index << 3), <u32>place);
    store<u32>(places + (index << 3), <u32>prediction, 4);
    const input = inputs + (index << 3);
    store<i32>(input, oddsOf(load<u32>(prediction) >> 20));
    const trust = load<i32>(trusts + (((value >> 8) & 255) << 2));
    store<i32>(input, (oddsOf(value >> 20) * trust) >> 8, 4);
  }
  const bitsSeen = 31 - clz<u32>(partial);
  const matchClass = predictMatch(CONTEXTS << 3, domain, partial, bitsSeen);
  const set = (domain << 8) | partial;
  const odds = mix(set, (domain << 5) | (matchClass << 3) | bitsSeen);
  return correct(odds, set, symbolBefore);
}

function learn(bit: u32): void {
  learnWeights(bit);
  learnMatch(bit);
  learnCorrection(bit);
  for (let index: u32 = 0; index < <u32>CONTEXTS; index++) {
    const place = load<u32>(places + (index << 3));
    const value = load<u32>(place);
    const state = value & 255;
    adapt(load<u32>(places + (index << 3), 4), bit, STATE_LIMIT);
    const count = (value >> 8) & 255;
    const probability = <i32>(value >> 16);
    const change = (((bit ? 65_535 : 0) - probability) * rateOf(count)) >> 16;
    const nextCount = count < COUNT_LIMIT ? count + 1 : count;
    store<u32>(
      place,
      ((<u32>(probability + change)) << 16) | (nextCount << 8) | nextState(state, bit),
    );
  }
}
