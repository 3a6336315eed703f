import type { ByteReader, ByteWriter } from '../io/byte-codec.js';
import { damaged } from './columns.js';

/*
 * What has to be changed in expected bytes to get the actual ones:
 *
 *   count, then count × (bytes to keep, bytes to leave out, length and bytes to put in)
 *
 * and the rest is kept. For single headers that no rule renders, so it need not be clever.
 */

/** Equal bytes between two differences that cost less to repeat than to leave out. */
const JOINED_BYTES = 3;

interface Edit {
  readonly start: number;
  readonly removed: number;
  readonly inserted: Uint8Array;
}

export function writeEdits(out: ByteWriter, expected: Uint8Array, actual: Uint8Array): void {
  const edits =
    expected.length === actual.length ? sparse(expected, actual) : middle(expected, actual);
  out.varint(edits.length);
  let at = 0;
  for (const { start, removed, inserted } of edits) {
    out.varint(start - at);
    out.varint(removed);
    out.block(inserted);
    at = start + removed;
  }
}

/** The actual bytes, at most `maxLength`; `delta-damaged` when the edits do not fit. */
export function readEdits(input: ByteReader, expected: Uint8Array, maxLength: number): Buffer {
  const parts: Uint8Array[] = [];
  let at = 0;
  let length = 0;
  for (let count = input.varint(maxLength); count > 0; count--) {
    const kept = expected.subarray(at, at + input.varint(expected.length - at));
    at += kept.length;
    at += input.varint(expected.length - at);
    const inserted = input.block(maxLength - length);
    length += kept.length + inserted.length;
    if (length > maxLength) throw damaged('a header that is too long');
    parts.push(kept, inserted);
  }
  if (length + expected.length - at > maxLength) throw damaged('a header that is too long');
  return Buffer.concat([...parts, expected.subarray(at)]);
}

function middle(expected: Uint8Array, actual: Uint8Array): Edit[] {
  const shorter = Math.min(expected.length, actual.length);
  let start = 0;
  while (start < shorter && expected[start] === actual[start]) start++;
  let same = 0;
  while (same < shorter - start && expected.at(-1 - same) === actual.at(-1 - same)) same++;
  const removed = expected.length - start - same;
  return [{ start, removed, inserted: actual.subarray(start, actual.length - same) }];
}

function sparse(expected: Uint8Array, actual: Uint8Array): Edit[] {
  const edits: Edit[] = [];
  for (let at = 0; at < actual.length; at++) {
    if (expected[at] === actual[at]) continue;
    const start = at;
    for (let same = 0; at < actual.length && same <= JOINED_BYTES; at++) {
      same = expected[at] === actual[at] ? same + 1 : 0;
    }
    let end = at;
    while (expected[end - 1] === actual[end - 1]) end--;
    edits.push({ start, removed: end - start, inserted: actual.subarray(start, end) });
    at = end;
  }
  return edits;
}
