import { statSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { temporaryFolder } from '../support/cleanup.js';
import { CORPUS_PAIRS, NO_CORPUS } from '../support/corpus-pairs.js';
import { FIXTURE_PAIRS } from '../support/fixture-pairs.js';
import { roundTrip } from '../support/round-trip.js';

const MAX_BYTES = 4_000_000;

/** The fixture pairs have their turn in the fast suite. */
const fixtures = new Set(FIXTURE_PAIRS.map((pair) => pair.name));
const pairs = CORPUS_PAIRS.filter(
  (pair) => !fixtures.has(pair.name) && statSync(pair.newDeb).size < MAX_BYTES,
);

// In CI, too: a clone has no corpus, and no package brings one.
describe.skipIf(pairs.length === 0)(
  `corpus pairs under 4 MB (skipped when there is ${NO_CORPUS})`,
  () => {
    it.each(pairs)('$name is rebuilt bit for bit', async (pair) => {
      const made = await roundTrip(pair.oldDeb, pair.newDeb, await temporaryFolder());
      expect(made.isExact).toBe(true);
      expect(made.deltaBytes).toBeLessThan(made.newBytes);
    });
  },
);
