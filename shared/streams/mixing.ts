import { DebshoalError } from '../errors.js';
import { instantiate } from '../kernel/instantiate.js';
import {
  companionsOf,
  kindOfStream,
  STREAM_KINDS,
  totalLength,
  type StreamSpan,
} from './stream-names.js';

/* The door to the mixing coder in WebAssembly. */

interface MixerExports {
  readonly memory: WebAssembly.Memory;
  prepare(length: number): number;
  startEncoding(capacity: number): number;
  finishEncoding(): number;
  allocateInput(length: number): number;
  startDecoding(length: number): void;
  /** Returns 0 for damaged input. */
  codeStream(index: number, kind: number, length: number, first: number, second: number): number;
}

/**
 * Streams of one block, together: the coder needs about 7 bytes of memory for each, and 40 MiB; and
 * this much is decoded in some 20 seconds.
 */
export const MAX_MIXED_BYTES = 16 * 2 ** 20;
const NONE = -1;
/** Numbers with more bits have no place in the coder's symbols. */
const MAX_NUMBER = 2 ** 38 - 1;

/** Whether streams can be coded at all: columns must hold whole, shortest varints. */
export function isMixable(bytes: Uint8Array, streams: readonly StreamSpan[]): boolean {
  if (bytes.length > MAX_MIXED_BYTES) return false;
  let at = 0;
  return streams.every(({ number, length }) => {
    const kind = kindOfStream(number);
    const stream = bytes.subarray(at, at + length);
    at += length;
    return (kind !== 'numbers' && kind !== 'signed') || isColumn(stream);
  });
}

function isColumn(bytes: Uint8Array): boolean {
  let value = 0;
  let unit = 1;
  for (const byte of bytes) {
    value += (byte & 0x7f) * unit;
    if (value > MAX_NUMBER || (byte === 0 && unit > 1)) return false;
    if (byte >= 0x80) {
      unit *= 0x80;
      if (unit > MAX_NUMBER) return false;
    } else {
      value = 0;
      unit = 1;
    }
  }
  return unit === 1;
}

/** Codes streams for which isMixable. At least as long as `bytes` where nothing was gained. */
export function compressMixed(bytes: Uint8Array, streams: readonly StreamSpan[]): Buffer {
  const mixer = openMixer();
  const content = mixer.prepare(bytes.length);
  const output = mixer.startEncoding(bytes.length);
  new Uint8Array(mixer.memory.buffer).set(bytes, content);
  codeStreams(mixer, streams);
  const length = Math.min(mixer.finishEncoding(), bytes.length);
  return Buffer.from(mixer.memory.buffer, output, length);
}

/** Expands to exactly the streams' lengths. `limit-exceeded` or `delta-damaged`. */
export function expandMixed(packed: Uint8Array, streams: readonly StreamSpan[]): Buffer {
  const length = totalLength(streams);
  if (length > MAX_MIXED_BYTES) {
    throw new DebshoalError('limit-exceeded', `a mixed block has over ${MAX_MIXED_BYTES} bytes`);
  }
  try {
    const mixer = openMixer();
    const content = mixer.prepare(length);
    const input = mixer.allocateInput(packed.length);
    new Uint8Array(mixer.memory.buffer).set(packed, input);
    mixer.startDecoding(packed.length);
    if (codeStreams(mixer, streams)) return Buffer.from(mixer.memory.buffer, content, length);
  } catch (cause) {
    throw new DebshoalError('delta-damaged', 'damaged mixed block', { cause });
  }
  throw new DebshoalError('delta-damaged', 'a mixed block and its columns have different lengths');
}

function openMixer(): MixerExports {
  return instantiate('mixer').exports as unknown as MixerExports;
}

function codeStreams(mixer: MixerExports, streams: readonly StreamSpan[]): boolean {
  return streams.every(({ number, length }, index) => {
    const [first = NONE, second = NONE] = companionsOf(number).map((companion) =>
      streams.findIndex((stream, at) => stream.number === companion && at < index),
    );
    const kind = STREAM_KINDS.indexOf(kindOfStream(number));
    return mixer.codeStream(index, kind, length, first, second) !== 0;
  });
}
