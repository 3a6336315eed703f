import type { FileIdentity } from '../../shared/delta/delta.js';
import type { Batch, IndexedDelta, IndexedPackage } from '../../shared/index/deltas-index.js';
import type { DebForm } from '../../shared/deb/deb-forms.js';
import type { PackageOrigin } from '../apt/package-origins.js';
import type { PendingPackage } from '../apt/pending-upgrades.js';
import type { IndexLocation } from '../config/index-sources.js';
import type { LoadedIndex } from './fetch-indexes.js';
import type { Expandable } from './find-expandable.js';

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
      readonly source: IndexLocation;
      readonly entry: IndexedPackage;
      readonly form: DebForm;
      /** What that form must be. */
      readonly deb: FileIdentity;
      /** For the expanded form, which apt gets from our own repository: whose releases list it. */
      readonly origins: readonly PackageOrigin[];
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
      readonly source: IndexLocation;
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
 * counts; `handedOver` are names in apt's cache, `memoryBytes` is what one rebuild may use, and
 * `expandable` what may be installed in its expanded form, which is quicker and never larger.
 */
export function chooseRoutes(
  pending: readonly PendingPackage[],
  indexes: readonly LoadedIndex[],
  handedOver: ReadonlySet<string>,
  memoryBytes: number,
  expandable: Expandable = new Map(),
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
      : chooseRoute(one, entries.get(one.sha256) ?? [], memoryBytes, expandable),
  );
}

function chooseRoute(
  pending: PendingPackage,
  found: readonly { loaded: LoadedIndex; entry: IndexedPackage }[],
  memoryBytes: number,
  expandable: Expandable,
): Route {
  const left = { kind: 'none', pending, bytes: pending.size } as const;
  const matching = found.filter(({ entry }) => isSame(entry, pending));
  const [first] = matching;
  if (!first) return { ...left, reason: 'not in any index' };

  const deltas = matching
    .flatMap(({ loaded, entry }) => deltasFrom(pending, loaded, entry, expandable))
    .sort((a, b) => a.delta.size - b.delta.size);
  const fitting = deltas.find(({ delta }) => delta.memoryMiB * 2 ** 20 <= memoryBytes);
  if (fitting && fitting.delta.size < pending.size) {
    const { oldVersion, size: bytes } = fitting.delta;
    const origins = expandable.get(fitting.entry) ?? [];
    const { expanded } = fitting.entry;
    const isExpanded = expanded !== null && origins.length > 0;
    const { sha256, size } = isExpanded ? expanded : pending;
    return {
      kind: 'delta',
      pending,
      oldVersion,
      bytes,
      reason: `from ${oldVersion}${isExpanded ? ', expanded' : ''}`,
      form: isExpanded ? 'expanded' : 'exact',
      deb: { sha256, size },
      origins,
      ...fitting,
    };
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
  expandable: Expandable,
) {
  return entry.deltas.flatMap((delta) => {
    const batch = index.batches[delta.batch];
    // Without an encoder that gives the archive's .deb there is only the expanded form.
    const isUsable = entry.encoderMiB !== null || expandable.has(entry);
    const isMatch = delta.oldVersion === pending.oldVersion && batch !== undefined;
    return isMatch && isUsable ? [{ source, entry, delta, batch, trackers: index.announce }] : [];
  });
}

function explainNoDelta(pending: PendingPackage, tooMuchMemory: boolean): string {
  if (pending.oldVersion === null) return 'not installed yet';
  if (tooMuchMemory) return 'rebuilding needs more memory than there is';
  return `no delta from ${pending.oldVersion}`;
}
