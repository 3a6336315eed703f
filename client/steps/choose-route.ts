import type { Batch, IndexedDelta, IndexedPackage } from '../../shared/index/deltas-index.js';
import type { PendingPackage } from '../apt/pending-upgrades.js';
import type { IndexSource } from '../config/index-sources.js';
import type { LoadedIndex } from './fetch-indexes.js';

/**
 * How a pending package comes to this machine. `delta`: rebuilt from a delta; `full`: the whole
 * .deb from swarm and mirror; `ready`: an earlier run has handed it over and it waits for apt;
 * `none`: left to apt. `reason` says why in a few words.
 */
export type Route =
  | {
      readonly kind: 'delta';
      readonly pending: PendingPackage;
      readonly oldVersion: string;
      readonly bytes: number;
      readonly reason: string;
      readonly source: IndexSource;
      readonly entry: IndexedPackage;
      readonly delta: IndexedDelta;
      readonly batch: Batch;
      /** From the signed index. */
      readonly trackers: readonly string[];
    }
  | {
      readonly kind: 'full';
      readonly pending: PendingPackage;
      readonly bytes: number;
      readonly reason: string;
      readonly source: IndexSource;
      readonly entry: IndexedPackage;
      readonly trackers: readonly string[];
    }
  | {
      readonly kind: 'ready' | 'none';
      readonly pending: PendingPackage;
      readonly bytes: number;
      readonly reason: string;
    };

/** A route that this machine has to go itself. */
export type ActiveRoute = Extract<Route, { kind: 'delta' | 'full' }>;

/**
 * Chooses a route for each pending package. Pure. Only what the index and apt agree on by SHA-256
 * counts; `handedOver` are names in apt's cache, `memoryBytes` is what one rebuild may use.
 */
export function chooseRoutes(
  pending: readonly PendingPackage[],
  indexes: readonly LoadedIndex[],
  handedOver: ReadonlySet<string>,
  memoryBytes: number,
): Route[] {
  const entries = new Map<string, { loaded: LoadedIndex; entry: IndexedPackage }[]>();
  for (const loaded of indexes) {
    for (const entry of loaded.index.packages) {
      const known = entries.get(entry.sha256);
      if (known) known.push({ loaded, entry });
      else entries.set(entry.sha256, [{ loaded, entry }]);
    }
  }
  return pending.map((one) =>
    handedOver.has(one.archiveName)
      ? { kind: 'ready', pending: one, bytes: 0, reason: 'waits for apt already' }
      : chooseRoute(one, entries.get(one.sha256) ?? [], memoryBytes),
  );
}

function chooseRoute(
  pending: PendingPackage,
  found: readonly { loaded: LoadedIndex; entry: IndexedPackage }[],
  memoryBytes: number,
): Route {
  const left = { kind: 'none', pending, bytes: pending.size } as const;
  const matching = found.filter(({ entry }) => isSame(entry, pending));
  const [first] = matching;
  if (!first) return { ...left, reason: 'not in any index' };

  const deltas = matching
    .flatMap(({ loaded, entry }) => deltasFrom(pending, loaded, entry))
    .sort((a, b) => a.delta.size - b.delta.size);
  const fitting = deltas.find(({ delta }) => delta.memoryMiB * 2 ** 20 <= memoryBytes);
  if (fitting && fitting.delta.size < pending.size) {
    const { oldVersion, size: bytes } = fitting.delta;
    const reason = `from ${oldVersion}`;
    return { kind: 'delta', pending, oldVersion, bytes, reason, ...fitting };
  }
  const reason = explainNoDelta(pending, deltas.length > 0);
  const { source, index } = first.loaded;
  const { announce: trackers } = index;
  if (first.entry.infoHash === null) return { ...left, reason };
  return {
    kind: 'full',
    pending,
    bytes: pending.size,
    reason,
    source,
    entry: first.entry,
    trackers,
  };
}

/** The hash alone decides what is installed; the rest must agree, or one of the indexes is odd. */
function isSame(entry: IndexedPackage, pending: PendingPackage): boolean {
  return (
    entry.package === pending.package &&
    entry.version === pending.version &&
    entry.architecture === pending.architecture &&
    entry.size === pending.size
  );
}

function deltasFrom(
  pending: PendingPackage,
  { source, index }: LoadedIndex,
  entry: IndexedPackage,
) {
  return entry.deltas.flatMap((delta) => {
    const batch = index.batches[delta.batch];
    // Without an encoder that gives the archive's .deb there is only the expanded form.
    const isExact = entry.encoderMiB !== null;
    const isMatch = isExact && delta.oldVersion === pending.oldVersion && batch !== undefined;
    return isMatch ? [{ source, entry, delta, batch, trackers: index.announce }] : [];
  });
}

function explainNoDelta(pending: PendingPackage, tooMuchMemory: boolean): string {
  if (pending.oldVersion === null) return 'not installed yet';
  if (tooMuchMemory) return 'rebuilding needs more memory than there is';
  return `no delta from ${pending.oldVersion}`;
}
