import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { indexOld } from '../../../shared/kernel/find-matches.js';
import { noise } from '../../support/chunks.js';

function naiveOrder(bytes: Uint8Array): number[] {
  const order = Array.from(bytes, (_, position) => position);
  return order.sort((a, b) => Buffer.compare(bytes.subarray(a), bytes.subarray(b)));
}

const letters = (most: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ max: most - 1, maxLength: 300 });

/** A stretch repeated, with a few bytes changed: names repeat on several levels. */
const periodic = fc
  .tuple(
    fc.uint8Array({ max: 3, minLength: 1, maxLength: 7 }),
    fc.integer({ min: 1, max: 80 }),
    fc.array(fc.tuple(fc.nat(), fc.integer({ max: 255, min: 0 })), { maxLength: 3 }),
  )
  .map(([unit, times, changes]) => {
    const bytes = Buffer.concat(Array.from({ length: times }, () => unit));
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    return bytes;
  });

describe('the order of suffixes', () => {
  it('is that of comparing them all', () => {
    fc.assert(
      fc.property(fc.oneof(letters(1), letters(2), letters(3), letters(256), periodic), (bytes) => {
        expect([...indexOld(bytes).sortedSuffixes()]).toEqual(naiveOrder(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it.each([0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 129])('of %i equal bytes', (length) => {
    const bytes = new Uint8Array(length).fill(7);
    expect([...indexOld(bytes).sortedSuffixes()]).toEqual(
      Array.from(bytes, (_, position) => length - 1 - position),
    );
  });

  it('of more bytes than fit into one block of any kind', () => {
    const bytes = Buffer.concat([noise(50_000, 1), noise(20_000, 2), noise(50_000, 1)]);
    expect([...indexOld(bytes).sortedSuffixes()]).toEqual(naiveOrder(bytes));
  });
});
