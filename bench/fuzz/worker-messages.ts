import type { Target } from './attack.js';
import type { LayerName } from './mutant.js';
import type { Outcome } from './outcome.js';

/** What a worker is started for: mutants `from` up to, not with, `to`. */
export interface WorkerTask {
  readonly target: Target;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Empty, and for this worker alone. */
  readonly folder: string;
  /** Gets a byte for each mutant that is done. */
  readonly log: string;
}

export type FromWorker =
  /** The true delta was rebuilt from: what happens now is a mutant's doing. */
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'finding';
      readonly number: number;
      readonly outcome: Outcome;
      readonly layer: LayerName;
      readonly detail: string;
    }
  | { readonly kind: 'uncaught'; readonly number: number; readonly detail: string }
  | { readonly kind: 'slowest'; readonly number: number; readonly seconds: number }
  | { readonly kind: 'done'; readonly peakRssBytes: number };
