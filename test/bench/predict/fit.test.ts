import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fitPrices } from '../../../bench/predict/fit.js';
import { tryPredictions } from '../../../bench/predict/trial.js';

describe('fitPrices', () => {
  it('finds the prices that made the observations', () => {
    const price = fc.double({ min: 0, max: 10, noNaN: true });
    const counts = fc.array(fc.record({ a: fc.integer({ min: 1, max: 90 }), b: fc.nat(90) }), {
      minLength: 4,
      maxLength: 12,
    });
    fc.assert(
      fc.property(price, price, counts, (a, b, all) => {
        const observations = all.map((one) => ({ counts: one, seconds: a * one.a + b * one.b }));
        const prices = fitPrices(observations);
        for (const { counts: of, seconds } of observations) {
          const predicted = of.a * (prices.get('a') ?? 0) + of.b * (prices.get('b') ?? 0);
          expect(predicted).toBeCloseTo(seconds, 0);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('goes below no floor, by default zero', () => {
    const observations = [
      { counts: { a: 1, b: 10 }, seconds: 1 },
      { counts: { a: 10, b: 1 }, seconds: 100 },
    ];
    expect(fitPrices(observations).get('b')).toBe(0);
    expect(fitPrices(observations, { b: 0.05 }).get('b')).toBe(0.05);
  });
});

describe('a trial', () => {
  const counts = { decode: {}, compress: [] } as never;
  const measured = (factor: (i: number) => number) =>
    Array.from({ length: 15 }, (_, i) => ({
      name: `p${i}`,
      work: { decode: 100 + 10 * i, compress: 1000 + 300 * i },
      workCounts: counts,
      seconds: { decode: (100 + 10 * i) * 0.003, compress: (1000 + 300 * i) * 0.004 * factor(i) },
    }));

  it('finds no error where every estimate is right but for the machine', async () => {
    const same = measured(() => 1);
    expect((await tryPredictions(same, 'exact', 10)).medianError).toBeLessThan(0.05);
    expect((await tryPredictions(same, 'expanded', 10)).medianError).toBeLessThan(0.05);
  });

  it('finds the error where estimates are wrong by a third', async () => {
    const wrong = measured((i) => (i % 2 === 0 ? 1.5 : 0.75));
    const { medianError, mostErrors } = await tryPredictions(wrong, 'exact', 10);
    expect(medianError).toBeGreaterThan(0.2);
    expect(mostErrors).toBeGreaterThanOrEqual(medianError);
  });
});
