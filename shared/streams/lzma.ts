import lzma, { type LzmaFilter, type NativeLzma } from 'lzma-native';

import { DebshoalError } from '../errors.js';
import { XZ_SLICE_BYTES } from '../io/xz.js';

/* Raw LZMA1, without a header for the length is known. */

/** The three parameters of LZMA's literals and positions. */
export interface LzmaParameters {
  readonly lc: number;
  readonly lp: number;
  readonly pb: number;
}

const MIN_DICTIONARY = 4096;
/** A decoder allocates this much, whatever a delta says. */
const MAX_DICTIONARY = 2 ** 26;
/** The range decoder reads ahead; what it reads behind the end of a block is zeros. */
const PADDING = Buffer.alloc(32);
/** The end marker and the flushed range coder together are never longer. */
const MAX_TAIL = 16;
/**
 * Output comes in buffers of this size. Up to it a block goes without its end marker, which is
 * worth six bytes; longer ones would make the native coder clear a long buffer for each slice.
 */
const OUTPUT_BYTES = 65_536;
const PROPERTY_COUNT = 9 * 5 * 5;
/** liblzma's own limit: the table of literals grows by two to their sum. */
const MAX_LC_LP = 4;
const NICE_LENGTH = 273;

/** One byte for the parameters, as in every .lzma file. */
export function encodeProperties({ lc, lp, pb }: LzmaParameters): number {
  return (pb * 5 + lp) * 9 + lc;
}

/** `delta-damaged` for a byte that stands for nothing. */
export function decodeProperties(byte: number): LzmaParameters {
  const lc = byte % 9;
  const lp = Math.floor(byte / 9) % 5;
  const pb = Math.floor(byte / 45);
  if (byte >= PROPERTY_COUNT || lc + lp > MAX_LC_LP) {
    throw new DebshoalError('delta-damaged', `no LZMA has the properties ${byte}`);
  }
  return { lc, lp, pb };
}

/** Compresses one byte or more. The same bytes on every machine. */
export function compressLzma(bytes: Uint8Array, parameters: LzmaParameters): Buffer {
  const coder = openCoder(OUTPUT_BYTES);
  coder.native.rawEncoder({ filters: [filterOf(bytes.length, parameters)] });
  coder.native.code(bytes, false);
  coder.native.code(null, false);
  coder.native.resetUnderlying();
  if (coder.state.failure) throw coder.state.failure;
  const packed = Buffer.concat(coder.state.chunks);
  return bytes.length > OUTPUT_BYTES ? packed : cutTail(packed, bytes, parameters);
}

/**
 * Takes away the end marker and what else the decoder does not need. The rest of the range coder's
 * number is cut off, or rounded up, as long as it still leads to the same bytes.
 */
function cutTail(packed: Buffer, bytes: Uint8Array, parameters: LzmaParameters): Buffer {
  const isEnough = (prefix: Buffer): boolean =>
    decodePrefix(prefix, bytes.length, parameters)?.equals(bytes) ?? false;
  let best = packed;
  for (let cut = 1; cut < Math.min(MAX_TAIL, packed.length); cut++) {
    const shorter = packed.subarray(0, packed.length - cut);
    const found = [shorter, roundedUp(shorter)].find(isEnough);
    if (found === undefined) break;
    best = found;
  }
  return best;
}

function roundedUp(number: Buffer): Buffer {
  const result = Buffer.from(number);
  let at = result.length - 1;
  while (at > 0 && result[at] === 0xff) result[at--] = 0;
  result[at] = ((result[at] ?? 0) + 1) & 0xff;
  return result;
}

/** Expands to exactly `length` bytes, at least 1, which the caller has checked. `delta-damaged`. */
export function expandLzma(packed: Uint8Array, length: number, parameters: LzmaParameters): Buffer {
  const bytes = decodePrefix(packed, length, parameters);
  if (bytes === null) throw new DebshoalError('delta-damaged', 'damaged LZMA');
  return bytes;
}

/**
 * The first `length` bytes that `packed` and zeros behind it stand for, or null. Short ones come in
 * one output buffer of exactly their length, so that nothing behind them counts; whatever else the
 * native coder makes of the last slice is thrown away.
 */
function decodePrefix(
  packed: Uint8Array,
  length: number,
  parameters: LzmaParameters,
): Buffer | null {
  const { native, state } = openCoder(Math.min(length, OUTPUT_BYTES));
  native.rawDecoder({ filters: [filterOf(length, parameters)] });
  const input = Buffer.concat([packed, PADDING]);
  for (let at = 0; at < input.length && state.size < length && !state.over; at += XZ_SLICE_BYTES) {
    native.code(input.subarray(at, at + XZ_SLICE_BYTES), false);
  }
  native.resetUnderlying();
  return state.size < length ? null : Buffer.concat(state.chunks, length);
}

interface CoderState {
  readonly chunks: Buffer[];
  /** Of all chunks. */
  size: number;
  over: boolean;
  failure: Error | null;
}

/** liblzma's synchronous interface, which lzma-native's streams are built on. */
function openCoder(outputBytes: number): { native: NativeLzma; state: CoderState } {
  const state: CoderState = { chunks: [], size: 0, over: false, failure: null };
  const native = new lzma.Stream();
  native.setBufsize(outputBytes);
  native.bufferHandler = (chunk, _processed, failure) => {
    if (chunk) {
      state.chunks.push(chunk);
      state.size += chunk.length;
    } else if (chunk === null) {
      state.over = true;
      state.failure = failure ?? null;
    }
  };
  return { native, state };
}

function filterOf(length: number, parameters: LzmaParameters): LzmaFilter {
  const dictSize = Math.min(MAX_DICTIONARY, Math.max(MIN_DICTIONARY, length));
  const { MODE_NORMAL: mode, MF_BT4: mf, FILTER_LZMA1: id } = lzma;
  const options = { ...parameters, dictSize, mode, mf, niceLen: NICE_LENGTH, depth: 512 };
  return { id, options };
}
