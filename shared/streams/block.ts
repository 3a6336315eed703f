import { DebshoalError } from '../errors.js';
import { ByteReader, ByteWriter } from '../io/byte-codec.js';
import { LIMITS } from '../limits.js';
import { nameOfCoder, numberOfCoder, type CoderName } from './coders.js';
import { STREAM_COUNT, type StreamSpan } from './stream-names.js';

/* A block: streams one after another, coded together. FORMAT.md describes the bytes. */

export interface Block {
  readonly coder: CoderName;
  /** By number, ascending; none is empty. */
  readonly streams: readonly StreamSpan[];
  readonly packed: Uint8Array;
}

const CODER_BITS = 8;
const LAST = 8;
const COUNT_UNIT = 16;
/** Steps from one number to the next up to this fit in with the length. */
const LONG_STEP = 3;

/** Of the longest varint, so that lengths near 2^53 are refused before they are added. */
const MAX_LENGTH = LIMITS.applyMemoryBytes;

export function encodeBlocks(blocks: readonly Block[]): Buffer {
  const out = new ByteWriter();
  for (const [index, block] of blocks.entries()) {
    encodeBlock(block, index === blocks.length - 1, out);
  }
  return out.finish();
}

/** The number of bytes of a block that is not the last. */
export function encodedSize(block: Block): number {
  const out = new ByteWriter();
  encodeBlock(block, false, out);
  return out.length;
}

function encodeBlock({ coder, streams, packed }: Block, isLast: boolean, out: ByteWriter): void {
  out.varint(numberOfCoder(coder) + (isLast ? LAST : 0) + (streams.length - 1) * COUNT_UNIT);
  let previous = -1;
  for (const { number, length } of streams) {
    const step = number - previous - 1;
    out.varint((length - 1) * 4 + Math.min(step, LONG_STEP));
    if (step >= LONG_STEP) out.varint(step - LONG_STEP);
    previous = number;
  }
  if (!isLast) out.varint(packed.length);
  out.bytes(packed);
}

/**
 * Reads all blocks, without expanding any. Each stream is there once at most, and all together are
 * at most `maxExpanded` bytes: `limit-exceeded`. Anything else is `delta-damaged`.
 */
export function decodeBlocks(bytes: Uint8Array, maxExpanded: number): Block[] {
  const input = new ByteReader(bytes);
  const blocks: Block[] = [];
  const seen = new Set<number>();
  let expanded = 0;
  while (input.remaining > 0) {
    const { block, isLast } = decodeBlock(input);
    for (const { number, length } of block.streams) {
      if (seen.has(number)) throw damaged(`stream ${number} is there twice`);
      seen.add(number);
      expanded += length;
    }
    if (expanded > maxExpanded) {
      throw new DebshoalError('limit-exceeded', `streams expand to over ${maxExpanded} bytes`);
    }
    blocks.push(block);
    if (isLast) return blocks;
  }
  if (blocks.length > 0) throw damaged('the last block is missing');
  return blocks;
}

function decodeBlock(input: ByteReader): { block: Block; isLast: boolean } {
  const head = input.varint(STREAM_COUNT * COUNT_UNIT - 1);
  const coder = nameOfCoder(head % CODER_BITS);
  const isLast = Math.floor(head / LAST) % 2 === 1;
  const count = Math.floor(head / COUNT_UNIT) + 1;
  const streams: StreamSpan[] = [];
  let previous = -1;
  for (let index = 0; index < count; index++) {
    const value = input.varint(MAX_LENGTH * 4 - 1);
    const short = value % 4;
    const step = short < LONG_STEP ? short : LONG_STEP + input.varint(STREAM_COUNT);
    const number = previous + 1 + step;
    if (number >= STREAM_COUNT) throw damaged(`no stream has the number ${number}`);
    streams.push({ number, length: Math.floor(value / 4) + 1 });
    previous = number;
  }
  const packed = input.bytes(isLast ? input.remaining : input.varint(input.remaining));
  return { block: { coder, streams, packed }, isLast };
}

function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', what);
}
