import { resolve } from 'node:path';

import { diffDebs } from '../../../../generator/diff/diff-debs.js';
import { FIXTURE_PAIRS } from '../../../support/fixture-pairs.js';
import { GOLDEN_PAIRS } from './pairs.js';

/*
 * Made the deltas in this folder: `node dist/test/shared/delta/golden/make.js`. They are never made
 * again for version 1; another version of the format adds its own.
 */
const FOLDER = resolve(import.meta.dirname, '../../../../../test/shared/delta/golden');

for (const pair of FIXTURE_PAIRS) {
  if (!GOLDEN_PAIRS.includes(pair.name)) continue;
  await diffDebs(pair.oldDeb, pair.newDeb, resolve(FOLDER, `${pair.name}-1.delta`));
}
