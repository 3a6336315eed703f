import { describe, expect, it } from 'vitest';

import { checkTargets } from '../../../bench/rebuild/targets.js';
import { pairResult, runOf } from '../../support/rebuild-report.js';

function met(...args: Parameters<typeof checkTargets>): (boolean | null)[] {
  return checkTargets(...args).map(({ isMet }) => isMet);
}

const GOOD = { exact: runOf(1.05, 130), expanded: runOf(0.08, 90), debdelta: runOf(3) };

describe('the targets', () => {
  it('are met by what is quick and small', () => {
    const set = {
      ...{ packages: 1, cores: 2, wallSeconds: 0.55, cpuSeconds: 1.1, xzCpuSeconds: 1 },
      ratio: 1.1,
    };
    expect(met([pairResult('good', GOOD)], set)).toEqual([true, true, true, true, true, true]);
  });

  it('are missed when a single pair misses them, and name it', () => {
    const slow = { exact: runOf(1.2, 145), expanded: runOf(0.2, 110) };
    const pairs = [
      pairResult('good', GOOD),
      pairResult('also-good', GOOD),
      pairResult('slow', slow),
    ];
    const targets = checkTargets(pairs, null);
    expect(targets.map(({ isMet }) => isMet)).toEqual([false, null, false, true, false, false]);
    expect(targets[0]?.found).toBe('1.20 (slow; median 1.05; 1 of 3 miss it)');
    // 1.8 MB for 0.08 s, and for 3 s.
    expect(targets[3]?.found).toBe('180 (debdelta 4.8)');
    // Of 145 MB xz itself needs 40.
    expect(targets[5]?.found).toMatch(/^105 \(slow;/);
  });

  it('leave small packages out where starting is what takes time', () => {
    const slow = { exact: runOf(9), expanded: runOf(9) };
    expect(met([pairResult('small', slow, 1000)], null)).toEqual([
      ...[null, null, null, null],
      ...[true, true],
    ]);
  });

  it('are open where nothing was measured', () => {
    expect(met([], null)).toEqual([null, null, null, null, null, null]);
  });
});
