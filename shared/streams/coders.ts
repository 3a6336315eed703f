import { DebshoalError } from '../errors.js';
import { compressBrotli, expandBrotli } from './brotli.js';
import {
  compressLzma,
  decodeProperties,
  encodeProperties,
  expandLzma,
  type LzmaParameters,
} from './lzma.js';
import { compressMixed, expandMixed } from './mixing.js';
import { totalLength, type StreamSpan } from './stream-names.js';

/** How the bytes of a block are coded; the place in CODERS is the number in the format. */
export type Coder =
  | { readonly name: 'stored' }
  | { readonly name: 'brotli' }
  | { readonly name: 'lzma'; readonly parameters: LzmaParameters }
  | { readonly name: 'mixed' };

export type CoderName = Coder['name'];

const CODERS = ['stored', 'brotli', 'lzma', 'mixed'] as const satisfies readonly CoderName[];

export function numberOfCoder(name: CoderName): number {
  return CODERS.indexOf(name);
}

/** `delta-damaged` for a number that stands for nothing. */
export function nameOfCoder(number: number): CoderName {
  const name = CODERS[number];
  if (name === undefined) throw new DebshoalError('delta-damaged', `unknown coder ${number}`);
  return name;
}

/** Codes streams that stand one after another in `bytes`: the coder's parameters, its output. */
export function compressWith(
  coder: Coder,
  bytes: Uint8Array,
  streams: readonly StreamSpan[],
): Uint8Array {
  switch (coder.name) {
    case 'stored':
      return bytes;
    case 'brotli':
      return compressBrotli(bytes);
    case 'lzma':
      return Buffer.concat([
        Buffer.from([encodeProperties(coder.parameters)]),
        compressLzma(bytes, coder.parameters),
      ]);
    case 'mixed':
      return compressMixed(bytes, streams);
  }
}

/**
 * Expands what compressWith made to exactly the streams' lengths, which the caller has checked
 * against its limits. `delta-damaged`.
 */
export function expandWith(
  name: CoderName,
  packed: Uint8Array,
  streams: readonly StreamSpan[],
): Buffer {
  const length = totalLength(streams);
  switch (name) {
    case 'stored':
      if (packed.length !== length) throw damaged('stored bytes of another length');
      return Buffer.from(packed);
    case 'brotli':
      return expandBrotli(packed, length);
    case 'lzma': {
      const properties = packed[0];
      if (properties === undefined) throw damaged('LZMA without properties');
      return expandLzma(packed.subarray(1), length, decodeProperties(properties));
    }
    case 'mixed':
      return expandMixed(packed, streams);
  }
}

function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', what);
}
