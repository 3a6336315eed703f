import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { lastAtOrBefore } from '../../shared/last-at-or-before.js';

describe('lastAtOrBefore', () => {
  it('finds what a search from the end finds', () => {
    const starts = fc.array(fc.nat(50), { minLength: 1 }).map((all) => all.sort((a, b) => a - b));
    fc.assert(
      fc.property(starts, fc.nat(60), (sorted, offset) => {
        const found = lastAtOrBefore(sorted, offset, (start) => start);
        expect(found).toBe(
          Math.max(
            0,
            sorted.findLastIndex((start) => start <= offset),
          ),
        );
      }),
    );
  });
});
