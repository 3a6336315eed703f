import { ByteWriter } from '../../shared/io/byte-codec.js';
import type { Random } from './random.js';

/** Changes bytes somewhere; `others` are further deltas to take stretches from. */
type Mutation = (bytes: Buffer, random: Random, others: readonly Buffer[]) => Buffer;

/** Counts and lengths stand at the front, and decide more than the rest. */
const FRONT = 256;
const MANY_EDITS = 12;
/** Ends of ranges, signs, and bytes that continue a varint. */
const TELLING_BYTES = [0x00, 0x01, 0x7f, 0x80, 0x81, 0xfe, 0xff];
const TELLING_NUMBERS = [
  ...[0, 1, 2, 127, 128, 255, 256, 65_535, 65_536, 2 ** 24, 2 ** 31 - 1, 2 ** 31],
  ...[2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40, 2 ** 52, Number.MAX_SAFE_INTEGER],
];

const flipBit: Mutation = (bytes, random) => {
  const at = placeIn(bytes, random);
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
  return changed;
};

const setBytes: Mutation = (bytes, random) => {
  const at = placeIn(bytes, random);
  const changed = Buffer.from(bytes);
  someBytes(random).copy(changed, at);
  return changed;
};

const stepByte: Mutation = (bytes, random) => {
  const at = placeIn(bytes, random);
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) + random.pick([1, 2, 255, 254]);
  return changed;
};

const insertBytes: Mutation = (bytes, random) => {
  const at = placeIn(bytes, random);
  return replace(bytes, at, 0, someBytes(random));
};

const removeBytes: Mutation = (bytes, random) =>
  replace(bytes, placeIn(bytes, random), someLength(random), Buffer.alloc(0));

const truncate: Mutation = (bytes, random) => bytes.subarray(0, placeIn(bytes, random));

const replaceVarint: Mutation = (bytes, random) => {
  const at = placeIn(bytes, random);
  let end = at;
  while (end < bytes.length - 1 && end - at < 8 && (bytes[end] ?? 0) >= 0x80) end++;
  return replace(bytes, at, end + 1 - at, varint(random));
};

const moveStretch: Mutation = (bytes, random) => {
  const stretch = stretchOf(bytes, random);
  const isInserted = random.below(2) === 0;
  return replace(bytes, placeIn(bytes, random), isInserted ? 0 : stretch.length, stretch);
};

const takeFromOther: Mutation = (bytes, random, others) => {
  if (others.length === 0) return moveStretch(bytes, random, others);
  const stretch = stretchOf(random.pick(others), random);
  const isInserted = random.below(2) === 0;
  return replace(bytes, placeIn(bytes, random), isInserted ? 0 : stretch.length, stretch);
};

const crossOver: Mutation = (bytes, random, others) => {
  const other = others.length === 0 ? bytes : random.pick(others);
  const head = bytes.subarray(0, placeIn(bytes, random));
  return Buffer.concat([head, other.subarray(placeIn(other, random))]);
};

/** Small changes come often: large ones end at the first check. */
const MUTATIONS: readonly Mutation[] = [
  ...[flipBit, flipBit, flipBit, setBytes, setBytes, stepByte, stepByte],
  ...[replaceVarint, replaceVarint, replaceVarint, insertBytes, removeBytes],
  ...[moveStretch, takeFromOther, crossOver, truncate],
];

/** A changed copy of `bytes`, in one place mostly, in up to `MANY_EDITS` at times. */
export function mutate(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  const edits = random.below(3) > 0 ? 1 : 1 + random.below(MANY_EDITS);
  let changed = bytes;
  for (let edit = 0; edit < edits; edit++)
    changed = random.pick(MUTATIONS)(changed, random, others);
  return changed;
}

function placeIn(bytes: Buffer, random: Random): number {
  const reach = random.below(2) === 0 ? Math.min(FRONT, bytes.length) : bytes.length;
  return random.below(reach);
}

function someLength(random: Random): number {
  return 1 + random.below(random.below(8) === 0 ? 300 : 8);
}

function someBytes(random: Random): Buffer {
  const length = someLength(random);
  return random.below(2) === 0
    ? random.bytes(length)
    : Buffer.alloc(length, random.pick(TELLING_BYTES));
}

function stretchOf(bytes: Buffer, random: Random): Buffer {
  const at = placeIn(bytes, random);
  return bytes.subarray(at, at + someLength(random));
}

function replace(bytes: Buffer, at: number, length: number, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + length)]);
}

function varint(random: Random): Buffer {
  const number = random.pick([
    random.pick(TELLING_NUMBERS),
    random.below(1000),
    random.next() * random.below(2 ** 20),
  ]);
  const out = new ByteWriter();
  out.varint(number);
  return out.finish();
}
