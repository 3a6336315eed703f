import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  isDecade,
  logDomain,
  logScale,
  logTicks,
  tickLabel,
} from '../../../../bench/rebuild/page/log-scale.js';

const amount = fc.double({ min: 1e-6, max: 1e9, noNaN: true });

describe('a logarithmic scale', () => {
  it('gives equal factors equal distances', () => {
    const scale = logScale([1, 1000], [0, 300]);
    expect([1, 10, 100, 1000].map((value) => Math.round(scale.at(value)))).toEqual([
      0, 100, 200, 300,
    ]);
    expect(logScale([1, 100], [200, 0]).at(10)).toBeCloseTo(100);
  });

  it('has a domain of ticks around all values', () => {
    expect(logDomain([0.03, 4])).toEqual([0.02, 5]);
    expect(logDomain([1, 1000])).toEqual([1, 1000]);
    fc.assert(
      fc.property(fc.array(amount, { minLength: 1 }), (values) => {
        const [min, max] = logDomain(values);
        expect(min).toBeLessThan(max);
        expect(min).toBeLessThanOrEqual(Math.min(...values) * 1.000001);
        expect(max).toBeGreaterThanOrEqual(Math.max(...values) * 0.999999);
        expect(logTicks(min, max)).toContain(min);
      }),
    );
  });

  it('stands also where there is nothing to show', () => {
    expect(logDomain([])).toEqual([1, 10]);
    expect(logDomain([0, 5])).toEqual([1, 10]);
    expect(logDomain([5])).toEqual([5, 50]);
  });

  it('has ticks that are written as they are', () => {
    const ticks = logTicks(0.005, 2000);
    expect(ticks.map(tickLabel)).toEqual(
      '0.005 0.01 0.02 0.05 0.1 0.2 0.5 1 2 5 10 20 50 100 200 500 1,000 2,000'.split(' '),
    );
    expect(ticks.filter(isDecade)).toEqual([0.01, 0.1, 1, 10, 100, 1000]);
  });
});
