import { describe, expect, it } from 'vitest';

import { measureWork } from '../../bench/predict/measure-work.js';
import { tryPredictions } from '../../bench/predict/trial.js';
import { temporaryFolder } from '../support/cleanup.js';
import { CORPUS_PAIRS, NO_CORPUS } from '../support/corpus-pairs.js';

describe.skipIf(CORPUS_PAIRS.length === 0 && process.env['CI'] === undefined)('the corpus', () => {
  it(`is rebuilt in about the seconds that are foreseen (${NO_CORPUS})`, async () => {
    const measured = await measureWork(CORPUS_PAIRS, {
      folder: await temporaryFolder(),
      signal: new AbortController().signal,
      report: () => undefined,
    });
    const byBytes = measured.map((one) => {
      const bytes = one.workCounts.compress.reduce((sum, { tarBytes }) => sum + tarBytes, 0);
      return { ...one, work: { decode: bytes / 1e5, compress: bytes / 1e4 } };
    });
    for (const form of ['exact', 'expanded'] as const) {
      const { medianError } = await tryPredictions(measured, form, 10);
      const naive = await tryPredictions(byBytes, form, 10);
      console.log(
        `${form}: median error ${medianError}, by bytes of tar alone ${naive.medianError}`,
      );
      // An error in seconds depends on what else the machine does, but this on both.
      expect(medianError).toBeLessThan(naive.medianError);
    }
  });
});
