import { availableParallelism, freemem } from 'node:os';

import { isDebshoalError } from '../../shared/errors.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { AptSystem } from '../apt/apt-system.js';
import { pendingUpgrades, type PendingPackage } from '../apt/pending-upgrades.js';
import { activeRoutes, chooseRoutes, type ActiveRoute } from '../steps/choose-route.js';
import type { Speeds } from '../store/speeds.js';
import type { Knowledge } from './knowledge.js';
import type { ReadyStore } from './ready-store.js';
import type { Works } from './works.js';

/** Packages at a time: a request for one of the others need not wait for them. */
const TOGETHER = 4;

export interface PrefetchOptions {
  readonly system: AptSystem;
  readonly knowledge: Knowledge;
  readonly store: ReadyStore;
  readonly works: Works;
  readonly speeds: () => Speeds;
  readonly encodersProven: () => Promise<boolean>;
  readonly maxBytes: number;
  /** Why nothing may come in the background now; null when it may. */
  readonly obstacle: () => string | null;
  readonly fetch: (routes: readonly ActiveRoute[]) => Promise<void>;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/**
 * Brings what apt has pending into the store, as far as there are deltas for it, few packages at a
 * time and as long as nothing speaks against it. Never fails.
 */
export async function prefetch(options: PrefetchOptions): Promise<void> {
  const { system, store, signal, report } = options;
  try {
    if (options.obstacle() !== null) return;
    const pending = await allPending(system);
    store.setPending(new Set(pending.map(({ sha256 }) => sha256)));
    const skipped = new Set<string>();
    for (;;) {
      const why = signal.aborted ? 'debshoal stops' : options.obstacle();
      if (why !== null) return;
      const routes = await chooseNext(pending, skipped, options);
      if (routes.length === 0) return;
      for (const { pending: one } of routes) skipped.add(one.sha256);
      await options.fetch(routes);
    }
  } catch (error) {
    if (!isDebshoalError(error)) throw error;
    if (signal.aborted) return;
    report({ kind: 'warning', text: `prefetch: ${error.message} [${error.code}]` });
  }
}

/** What either of the two usual upgrades would download. */
async function allPending(system: AptSystem): Promise<PendingPackage[]> {
  const found = new Map<string, PendingPackage>();
  for (const kind of ['upgrade', 'full-upgrade'] as const) {
    for (const one of await pendingUpgrades(system, { kind })) found.set(one.sha256, one);
  }
  return [...found.values()];
}

/** The next few that go by delta: in the background time costs nothing and bytes do. */
async function chooseNext(
  pending: readonly PendingPackage[],
  skipped: ReadonlySet<string>,
  { knowledge, store, works, speeds, encodersProven, maxBytes }: PrefetchOptions,
): Promise<ActiveRoute[]> {
  const known = await knowledge.get();
  const proven = await encodersProven();
  const open = pending.filter(
    (one) => !skipped.has(one.sha256) && !store.has(one) && works.find(one.sha256) === null,
  );
  const routes = chooseRoutes(open, known.indexes, new Set(), {
    memoryBytes: freemem() / 4,
    encodersProven: proven,
    installed: known.installed,
    cores: availableParallelism(),
    speeds: speeds(),
    prefer: 'bytes',
    expandable: new Map(),
  });
  const deltas = activeRoutes(routes.filter(({ kind }) => kind === 'delta'));
  // What would only push out others that are pending, too, stays where it is.
  let room =
    maxBytes - pending.filter((one) => store.has(one)).reduce((sum, { size }) => sum + size, 0);
  const fitting = deltas.filter(({ pending: { size } }) => {
    if (size > room) return false;
    room -= size;
    return true;
  });
  return fitting.slice(0, TOGETHER);
}
