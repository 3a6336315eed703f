import { ByteReader, ByteWriter } from '../io/byte-codec.js';
import { md5 } from '../io/hash.js';
import { LIMITS } from '../limits.js';

/** Accidents are found early with these; the proof is the hash of the target. */
const FINGERPRINT_BYTES = 4;

/** Fingerprints by place as bytes: steps between places, then all fingerprints. */
export function encodeFingerprints(fingerprints: ReadonlyMap<number, string>): Buffer {
  const out = new ByteWriter();
  if (fingerprints.size === 0) return out.finish();
  const sorted = [...fingerprints].sort(([a], [b]) => a - b);
  out.varint(sorted.length);
  let next = 0;
  for (const [place] of sorted) {
    out.varint(place - next);
    next = place + 1;
  }
  for (const [, hex] of sorted) out.bytes(Buffer.from(hex, 'hex'));
  return out.finish();
}

export function decodeFingerprints(bytes: Buffer): Map<number, string> {
  if (bytes.length === 0) return new Map();
  const input = new ByteReader(bytes);
  let next = 0;
  const places = Array.from({ length: input.varint(LIMITS.deltaSources) }, () => {
    const place = next + input.varint(LIMITS.deltaSources);
    next = place + 1;
    return place;
  });
  const found = places.map(
    (place) => [place, input.bytes(FINGERPRINT_BYTES).toString('hex')] as const,
  );
  input.expectEnd();
  return new Map(found);
}

/** The start of a file's md5, for the files that md5sums does not name. Hex. */
export function fingerprint(content: Uint8Array): string {
  return md5(content).slice(0, 2 * FINGERPRINT_BYTES);
}
