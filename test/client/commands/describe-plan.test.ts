import { describe, expect, it } from 'vitest';

import type { PendingPackage } from '../../../client/apt/pending-upgrades.js';
import { describePlan, planAsJson } from '../../../client/commands/describe-plan.js';
import { chooseRoutes, type Route } from '../../../client/steps/choose-route.js';
import type { LoadedIndex } from '../../../client/steps/fetch-indexes.js';
import { SAMPLE_INDEX } from '../../support/sample-index.js';

const context = { cores: 2, medianError: 0.125 };

/** Openssl from the sample index, and a package that it has not. */
function plan(link: number): Route[] {
  const [openssl] = SAMPLE_INDEX.packages;
  if (openssl === undefined) throw new Error('no openssl');
  const pending: PendingPackage = {
    ...openssl,
    oldVersion: '3.0.20-1~deb12u2',
    archiveName: 'openssl.deb',
    uris: [],
  };
  const other = { ...pending, package: 'hello', sha256: '0'.repeat(64), size: 50_000 };
  const index: LoadedIndex = {
    source: { uri: 'http://deltas.example.org', suite: 'bookworm' },
    // What only verifying makes elsewhere.
    index: SAMPLE_INDEX as LoadedIndex['index'],
    trust: 'third-party',
    allowsExpanded: false,
  };
  return chooseRoutes([pending, other], [index], new Set(), {
    memoryBytes: 2 ** 30,
    encodersProven: true,
    installed: new Map(),
    cores: 2,
    speeds: { link, decode: { exact: 1, expanded: 1 }, compress: 1 },
    prefer: 'time',
    expandable: new Map(),
  });
}

describe('a plan', () => {
  it('is told with what there was to choose from, and why', () => {
    expect(describePlan(plan(100_000), context)).toMatchInlineSnapshot(`
      "package  to                route           bytes  full .deb     full   exact  expanded  reason
      ───────  ────────────────  ────────────  ───────  ─────────  ───────  ──────  ────────  ────────────────────────────────
      openssl  3.0.22-1~deb12u2  delta, exact  13.9 kB     1.4 MB  14.42 s  0.98 s         -  delta: 0.98 s instead of 14.42 s
      hello    3.0.22-1~deb12u2  none          50.0 kB    50.0 kB   0.50 s       -         -  not in any index

      1 of 2 by delta, 1 left to apt: 63.9 kB instead of 1.5 MB (4.3 %)
      Foreseen: 1.48 s instead of 14.92 s (median error so far: 12.5 %)."
    `);
  });

  it('is told where full .debs are quicker', () => {
    const text = describePlan(plan(10_000_000), { ...context, medianError: null });
    expect(text).toContain('full: 0.14 s instead of 0.84 s');
    expect(text).toContain('nothing was rebuilt here yet');
  });

  it('of nothing is nothing', () => {
    expect(describePlan([], context)).toBe('Nothing is pending.');
  });

  it('has everything as JSON', () => {
    const json = planAsJson(plan(100_000), context);
    expect(json.packages[0]).toMatchObject({
      route: 'delta',
      form: 'exact',
      bytes: 13_912,
      candidates: [
        { way: 'full', seconds: 14.42104 },
        { way: 'exact', rebuildSeconds: 0.84 },
      ],
    });
    expect(json.packages[1]).toMatchObject({ route: 'none', form: null, seconds: 0.5 });
    expect(json.fullSeconds).toBeCloseTo(14.92);
    expect(json.seconds).toBeCloseTo(1.48);
    expect(json.medianError).toBe(0.125);
  });
});
