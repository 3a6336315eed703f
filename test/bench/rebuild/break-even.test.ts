import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { breakEvenMbit, secondsOver } from '../../../bench/rebuild/break-even.js';

describe('the link speed at which a route equals the full download', () => {
  it('is that of the saved bits over the spent seconds', () => {
    expect(breakEvenMbit(1_000_000, 2)).toBe(4);
    expect(secondsOver(8, 1_000_000, 0.5)).toBe(1.5);
  });

  it('makes both ways take the same time', () => {
    const bytes = fc.integer({ min: 1, max: 1e9 });
    const seconds = fc.double({ min: 1e-3, max: 1e4, noNaN: true });
    fc.assert(
      fc.property(bytes, bytes, seconds, (delta, saved, spent) => {
        const speed = breakEvenMbit(saved, spent);
        const full = secondsOver(speed, delta + saved, 0);
        expect(secondsOver(speed, delta, spent) / full).toBeCloseTo(1, 9);
      }),
    );
  });

  it('is none without bytes saved, and any without seconds spent', () => {
    expect(breakEvenMbit(0, 1)).toBe(0);
    expect(breakEvenMbit(-5, 1)).toBe(0);
    expect(breakEvenMbit(0, 0)).toBe(0);
    expect(breakEvenMbit(5, 0)).toBe(Infinity);
  });
});
