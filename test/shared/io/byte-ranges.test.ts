import fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  addRange,
  countBytes,
  missingRanges,
  removeRange,
  type ByteRanges,
} from '../../../shared/io/byte-ranges.js';

const SIZE = 40;
const range = fc
  .tuple(fc.nat(SIZE), fc.nat(SIZE))
  .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
const steps = fc.array(fc.record({ add: fc.boolean(), range }), { maxLength: 30 });

test('ranges behave as a set of bytes, in order and without neighbours', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const bytes = new Set<number>();
      let ranges: ByteRanges = [];
      for (const { add, range: step } of all) {
        ranges = add ? addRange(ranges, step) : removeRange(ranges, step);
        for (let i = step.start; i < step.end; i++) {
          if (add) bytes.add(i);
          else bytes.delete(i);
        }
      }
      const listed = ranges.flatMap(({ start, end }) =>
        Array.from({ length: end - start }, (_, i) => start + i),
      );
      expect(listed).toEqual([...bytes].sort((a, b) => a - b));
      expect(countBytes(ranges)).toBe(bytes.size);
      for (const [i, { start }] of ranges.entries()) {
        expect(start).toBeGreaterThan(ranges[i - 1]?.end ?? -1);
      }
      const missing = missingRanges(ranges, SIZE);
      expect(countBytes(missing) + bytes.size).toBe(SIZE);
      expect([...ranges, ...missing].reduce<ByteRanges>(addRange, [])).toEqual([
        { start: 0, end: SIZE },
      ]);
    }),
  );
});
