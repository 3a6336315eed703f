import { createHash } from 'node:crypto';

import { decodeBlocks, encodeBlocks } from '../../shared/streams/block.js';
import { expandWith } from '../../shared/streams/coders.js';
import { LIMITS } from '../../shared/limits.js';

/** A stream of a delta, expanded. */
export interface FuzzedStream {
  readonly number: number;
  readonly bytes: Buffer;
}

const CHECKSUM_OFFSET = 4;
const CHECKSUM_LENGTH = 8;
const BODY_OFFSET = CHECKSUM_OFFSET + CHECKSUM_LENGTH;

/** What stands behind the checksum. */
export function bodyOf(delta: Buffer): Buffer {
  return delta.subarray(BODY_OFFSET);
}

/** What an attacker would send: the checksum fits, and the decoders have to find the rest. */
export function withBody(delta: Buffer, body: Buffer): Buffer {
  const sum = createHash('sha256').update(body).digest().subarray(0, CHECKSUM_LENGTH);
  return Buffer.concat([delta.subarray(0, CHECKSUM_OFFSET), sum, body]);
}

/** The streams of a good delta. */
export function streamsOf(delta: Buffer): FuzzedStream[] {
  return decodeBlocks(bodyOf(delta), LIMITS.deltaStreamBytes).flatMap(
    ({ coder, streams, packed }) => {
      const expanded = expandWith(coder, packed, streams);
      let at = 0;
      return streams.map(({ number, length }) => {
        at += length;
        return { number, bytes: expanded.subarray(at - length, at) };
      });
    },
  );
}

/** A delta of these streams as they are: coders would turn most changes into noise. */
export function withStreams(delta: Buffer, streams: readonly FuzzedStream[]): Buffer {
  const used = streams.filter(({ bytes }) => bytes.length > 0).sort((a, b) => a.number - b.number);
  if (used.length === 0) return withBody(delta, Buffer.alloc(0));
  const spans = used.map(({ number, bytes }) => ({ number, length: bytes.length }));
  const packed = Buffer.concat(used.map(({ bytes }) => bytes));
  return withBody(delta, encodeBlocks([{ coder: 'stored', streams: spans, packed }]));
}
