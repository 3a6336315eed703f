import { DebshoalError } from '../errors.js';
import { decodeBlocks } from './block.js';
import { expandWith, type CoderName } from './coders.js';
import { MAX_MIXED_BYTES } from './mixing.js';
import { nameOfStream, totalLength, type StreamName } from './stream-names.js';

export interface StreamLimits {
  /** Of all streams together, expanded. */
  readonly expandedBytes: number;
}

/**
 * Expands all streams of a package; those that were empty are not in the result. Nothing is
 * allocated before the sum of the lengths is within the limits: `limit-exceeded` if not,
 * `delta-damaged` for everything else that is wrong. With `only` one stream is expanded, and those
 * that are coded together with it.
 */
export async function unpackStreams(
  packed: Uint8Array,
  limits: StreamLimits,
  only?: StreamName,
): Promise<Map<StreamName, Buffer>> {
  const result = new Map<StreamName, Buffer>();
  let mixedBytes = 0;
  for (const { coder, streams, packed: bytes } of decodeBlocks(packed, limits.expandedBytes)) {
    if (only !== undefined && !streams.some(({ number }) => nameOfStream(number) === only))
      continue;
    if (coder === 'mixed') mixedBytes += totalLength(streams);
    if (mixedBytes > MAX_MIXED_BYTES) {
      throw new DebshoalError('limit-exceeded', `over ${MAX_MIXED_BYTES} bytes are mixed`);
    }
    const expanded = expandWith(coder, bytes, streams);
    let at = 0;
    for (const stream of streams) {
      result.set(nameOfStream(stream.number), expanded.subarray(at, at + stream.length));
      at += stream.length;
    }
    await Promise.resolve();
  }
  return result;
}

export interface StreamDescription {
  readonly name: StreamName;
  readonly expandedBytes: number;
  /** Its share of the block, in proportion to its length when several streams are in one. */
  readonly packedBytes: number;
  readonly coder: CoderName;
  /** How many streams are coded together with this one, itself counted. */
  readonly sharedBy: number;
}

/** What a package holds, without expanding it. Errors as with unpackStreams. */
export function describeStreams(packed: Uint8Array, limits: StreamLimits): StreamDescription[] {
  return decodeBlocks(packed, limits.expandedBytes).flatMap(({ coder, streams, packed: bytes }) => {
    const total = totalLength(streams);
    return streams.map(({ number, length }) => ({
      name: nameOfStream(number),
      expandedBytes: length,
      packedBytes: Math.round((bytes.length * length) / total),
      coder,
      sharedBy: streams.length,
    }));
  });
}
