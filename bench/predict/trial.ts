import { join } from 'node:path';

import { openSpeedStore, rebuildSeconds, type ObservedRebuild } from '../../client/store/speeds.js';
import type { DebForm } from '../../shared/deb/deb-forms.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { median } from '../../shared/median.js';
import { Random } from '../fuzz/random.js';
import type { MeasuredWork } from './measure-work.js';

/** How wrong predictions are on a machine that has rebuilt `learned` packages. */
export interface TrialResult {
  readonly form: DebForm;
  readonly learned: number;
  /** Median of |predicted - real| / real over the packages that were not learned. */
  readonly medianError: number;
  /** Of nine in ten predictions, the largest error. */
  readonly mostErrors: number;
}

/** Orders in which a machine may meet the packages: what is learned first must not matter. */
const ORDERS = 100;

/** Learns from the first packages of many random orders, as a client does, and predicts the rest. */
export async function tryPredictions(
  measured: readonly MeasuredWork[],
  form: DebForm,
  learned: number,
): Promise<TrialResult> {
  const errors: number[] = [];
  for (let seed = 1; seed <= ORDERS; seed++) {
    const order = shuffle(measured, seed);
    await withTemporaryFolder(async (folder) => {
      const store = await openSpeedStore(join(folder, 'state'), 'read-only');
      for (const one of order.slice(0, learned)) store.observeRebuild(observe(one, form));
      for (const one of order.slice(learned)) {
        const { total } = observe(one, form);
        errors.push(Math.abs(rebuildSeconds(store.speeds, one.work, form) - total) / total);
      }
    });
  }
  errors.sort((a, b) => a - b);
  const mostErrors = errors[Math.floor(errors.length * 0.9)] ?? NaN;
  return { form, learned, medianError: median(errors) ?? NaN, mostErrors };
}

function observe({ work, seconds }: MeasuredWork, form: DebForm): ObservedRebuild {
  const compress = form === 'exact' ? seconds.compress : 0;
  return { form, work, predicted: 0, total: seconds.decode + compress, compress };
}

function shuffle<T>(items: readonly T[], seed: number): T[] {
  const random = new Random(seed, 0);
  return items
    .map((item) => ({ item, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
