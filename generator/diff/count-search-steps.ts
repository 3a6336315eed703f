import { open } from 'node:fs/promises';

import { readExactly } from '../../shared/io/files.js';

/** What of a file is counted, in bytes. */
interface Stretch {
  readonly path: string;
  readonly at: number;
  readonly length: number;
}

/** The dictionary of xz -6, beyond which it finds nothing. */
const WINDOW = 8 * 2 ** 20;
/** Bytes from which xz -6 takes a match without looking for a better one ("nice length"). */
const LONG = 64;
/** Every match of LONG bytes has a whole stretch of so many at a multiple of it. */
const BLOCK = 32;
/** Of the table of blocks; two places for each block of a small file. */
const MAX_BLOCK_BITS = 20;
const COUNT_BITS = 16;
const FACTOR = 0x9e3779b1 | 0;

/**
 * How many steps xz takes in its search for matches, to which most of its time is proportional: xz looks
 * for matches in a tree of all earlier places that begin alike, at every place that no long match
 * covers. So at each of these places the logarithm of how often the next four bytes occurred before
 * is added. A speed in bytes a second misses by a factor of three from one package to another.
 */
export async function countSearchSteps({ path, at, length }: Stretch): Promise<number> {
  const counter = new StepCounter(length);
  const file = await open(path, 'r');
  try {
    for (let from = 0; from < length; from += WINDOW) {
      counter.add(await readExactly(file, at + from, Math.min(WINDOW, length - from)));
    }
  } finally {
    await file.close();
  }
  return counter.steps;
}

class StepCounter {
  steps = 0;
  /** Where a stretch of BLOCK bytes was seen last, by its hash; in bytes since the beginning. */
  readonly #blocks: Float64Array;
  readonly #shift: number;
  readonly #counts = new Uint32Array(1 << COUNT_BITS);
  #before: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(length: number) {
    const bits = Math.min(MAX_BLOCK_BITS, 33 - Math.clz32(length / BLOCK));
    this.#blocks = new Float64Array(2 ** bits).fill(-1);
    this.#shift = 32 - bits;
  }

  add(piece: Buffer): void {
    const bytes = Buffer.concat([this.#before, piece]);
    const base = this.#start - this.#before.length;
    this.#count(bytes, this.#before.length, base);
    this.#before = piece;
    this.#start += piece.length;
    // What was seen a window ago is not in the tree any more.
    for (let i = 0; i < this.#counts.length; i++) this.#counts[i] = (this.#counts[i] ?? 0) >>> 1;
  }

  /** Counts `bytes` from `from`; the first of them is at `base` since the beginning. */
  #count(bytes: Buffer, from: number, base: number): void {
    const blocks = this.#blocks;
    const counts = this.#counts;
    const shift = this.#shift;
    const end = bytes.length - BLOCK;
    const power = powerOf(FACTOR, BLOCK);
    let hash = hashBlock(bytes, from);
    let steps = 0;
    let coveredTo = from;
    for (let i = from; i <= end; i++) {
      const block = Math.imul(hash, 0x85ebca6b) >>> shift;
      if (i >= coveredTo) {
        const known = (blocks[block] ?? -1) - base;
        const length = known >= 0 ? commonLength(bytes, known, i) : 0;
        if (length >= LONG) coveredTo = i + length;
        else {
          const number = Math.imul(bytes.readInt32LE(i), FACTOR) >>> (32 - COUNT_BITS);
          const count = counts[number] ?? 0;
          steps += 32 - Math.clz32(count);
          counts[number] = count + 1;
        }
      }
      if (i % BLOCK === 0) blocks[block] = base + i;
      hash =
        (Math.imul(hash, FACTOR) + (bytes[i + BLOCK] ?? 0) - Math.imul(power, bytes[i] ?? 0)) | 0;
    }
    this.steps += steps;
  }
}

function hashBlock(bytes: Buffer, at: number): number {
  let hash = 0;
  for (let i = at; i < at + BLOCK; i++) hash = (Math.imul(hash, FACTOR) + (bytes[i] ?? 0)) | 0;
  return hash;
}

function powerOf(base: number, exponent: number): number {
  let power = 1;
  for (let i = 0; i < exponent; i++) power = Math.imul(power, base);
  return power;
}

function commonLength(bytes: Buffer, known: number, at: number): number {
  let length = 0;
  while (at + length < bytes.length && bytes[known + length] === bytes[at + length]) length++;
  return length;
}
