import { describe, expect, it } from 'vitest';

import {
  commonPairs,
  describeConditions,
  routesOf,
  sumPhases,
  sumRoutes,
} from '../../../bench/rebuild/totals.js';
import { pairResult, rebuildReport, runOf } from '../../support/rebuild-report.js';

const withPhases = { ...runOf(2), phases: { read: 0.5, decode: 1.5 } };
const both = pairResult('both', { exact: runOf(1), expanded: withPhases });
const one = pairResult('one', { expanded: withPhases });

describe('totals', () => {
  it('add up what all routes could do', () => {
    const routes = routesOf([both, one]);
    expect(routes).toEqual(['exact', 'expanded']);
    expect(commonPairs([both, one], routes)).toEqual([both]);
    expect(sumRoutes([both], routes, '1')).toEqual([
      { route: 'full', bytes: 2e6, seconds: 0 },
      { route: 'exact', bytes: 2e5, seconds: 1 },
      { route: 'expanded', bytes: 2e5, seconds: 2 },
    ]);
  });

  it('have the phases of those that tell them', () => {
    expect(sumPhases([both, one], 'expanded', '1')).toEqual({ read: 1, decode: 3 });
    expect(sumPhases([both, one], 'exact', '1')).toEqual({});
  });
});

describe('the conditions', () => {
  it('say when others were at work', () => {
    const slow = { ...both, xz: { '1': { ...runOf(1), wallSeconds: 3 } } };
    expect(describeConditions(rebuildReport([both]))).not.toContain('Other programs');
    expect(describeConditions(rebuildReport([slow]))).toContain('3.0 times');
  });
});
