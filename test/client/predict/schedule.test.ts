import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { scheduleSeconds, type Job } from '../../../client/predict/schedule.js';

const job = (download: number, rebuild = 0, isLeft = false): Job => ({ download, rebuild, isLeft });

describe('the seconds of a set', () => {
  it.each<[string, Job[], number, number]>([
    ['nothing', [], 2, 0],
    ['downloads are one after the other', [job(1), job(2)], 2, 3],
    ['a rebuild beside the next download', [job(1, 2), job(2)], 1, 3],
    ['deltas before full .debs', [job(2), job(1, 3)], 1, 4],
    ['rebuilds wait for a core', [job(1, 5), job(1, 5)], 1, 11],
    ['rebuilds on two cores', [job(1, 5), job(1, 5)], 2, 7],
    ['apt comes last', [job(4, 0, true), job(1, 2)], 2, 7],
    ['no core is one core', [job(1, 1)], 0, 2],
  ])('%s', (_, jobs, cores, expected) => {
    expect(scheduleSeconds(jobs, cores)).toBe(expected);
  });

  const jobs = fc.array(
    fc.record({
      download: fc.double({ min: 0, max: 100, noNaN: true }),
      rebuild: fc.double({ min: 0, max: 100, noNaN: true }),
      isLeft: fc.constant(false),
    }),
    { maxLength: 20 },
  );

  it('is no less than link and cores need, and no more than one thing after the other', () => {
    fc.assert(
      fc.property(jobs, fc.integer({ min: 1, max: 8 }), (all, cores) => {
        const downloads = all.reduce((sum, one) => sum + one.download, 0);
        const rebuilds = all.reduce((sum, one) => sum + one.rebuild, 0);
        const seconds = scheduleSeconds(all, cores);
        expect(seconds).toBeGreaterThanOrEqual(downloads - 1e-9);
        expect(seconds).toBeGreaterThanOrEqual(rebuilds / cores - 1e-9);
        expect(seconds).toBeLessThanOrEqual(downloads + rebuilds + 1e-9);
      }),
    );
  });

  it('is never longer when one more package is left out', () => {
    fc.assert(
      fc.property(jobs, (all) => {
        expect(scheduleSeconds(all.slice(0, -1), 1)).toBeLessThanOrEqual(scheduleSeconds(all, 1));
      }),
    );
  });
});
