import { describe, expect, it } from 'vitest';

import { temporaryFolder } from '../support/cleanup.js';
import { CORPUS_PAIRS, NO_CORPUS } from '../support/corpus-pairs.js';
import { roundTrip } from '../support/round-trip.js';

describe.skipIf(CORPUS_PAIRS.length === 0 && process.env['CI'] === undefined)('the corpus', () => {
  it(`is there (${NO_CORPUS})`, () => {
    expect(CORPUS_PAIRS.length).toBeGreaterThan(0);
  });

  it.each(CORPUS_PAIRS)('$name is rebuilt bit for bit', async (pair) => {
    const made = await roundTrip(pair.oldDeb, pair.newDeb, await temporaryFolder());
    expect(made.isExact).toBe(true);
    expect(made.deltaBytes).toBeLessThan(made.newBytes);
  });
});
