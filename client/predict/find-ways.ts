import type { DebForm } from '../../shared/deb/deb-forms.js';
import type { FileIdentity } from '../../shared/delta/delta.js';
import { groupBy } from '../../shared/group-by.js';
import type { Batch, IndexedDelta, IndexedPackage } from '../../shared/index/deltas-index.js';
import type { InstalledVersions } from '../apt/installed-versions.js';
import type { PackageOrigin } from '../apt/package-origins.js';
import type { PendingPackage } from '../apt/pending-upgrades.js';
import type { IndexLocation } from '../config/index-sources.js';
import type { LoadedIndex } from '../steps/fetch-indexes.js';
import type { Expandable } from '../steps/find-expandable.js';
import type { Speeds } from '../store/speeds.js';
import { deltaCandidate, fullCandidate, totalSeconds, type Candidate } from './candidates.js';
import type { Preference } from './choose-set.js';

/** A pending package's entry in an index, and where that index's files are. */
export interface IndexedAt {
  readonly source: IndexLocation;
  readonly entry: IndexedPackage;
  /** From the signed index. */
  readonly trackers: readonly string[];
}

/** A delta that this machine could use. */
export interface DeltaWay extends IndexedAt {
  readonly delta: IndexedDelta;
  readonly batch: Batch;
  readonly form: DebForm;
  /** What that form must be. */
  readonly deb: FileIdentity;
  /** For the expanded form, which apt gets from our own repository: whose releases list it. */
  readonly origins: readonly PackageOrigin[];
  readonly candidate: Candidate;
}

/** All ways in which a pending package could come. */
export interface Ways {
  readonly pending: PendingPackage;
  /** Null when no index knows the file that apt wants. */
  readonly indexed: IndexedAt | null;
  readonly full: Candidate;
  /** The best first, by preference; none when no delta is of use. */
  readonly deltas: readonly DeltaWay[];
  /** Why there are none. */
  readonly obstacle: string;
}

interface Machine {
  /** What one rebuild may use. */
  readonly memoryBytes: number;
  /** Whether its encoders write the bytes that deltas count on; else none is of use. */
  readonly encodersProven: boolean;
  readonly cores: number;
  readonly speeds: Speeds;
}

export interface FindWaysOptions extends Machine {
  readonly prefer: Preference;
  /** Installed versions of the packages that deltas start from, where these have another name. */
  readonly installed: InstalledVersions;
  /** What may be installed in its expanded form. */
  readonly expandable: Expandable;
}

/** Finds the ways of each package. Pure. Only what index and apt agree on by SHA-256 counts. */
export function findWays(
  pending: readonly PendingPackage[],
  indexes: readonly LoadedIndex[],
  options: FindWaysOptions,
): Ways[] {
  const listed = indexes.flatMap((loaded) =>
    loaded.index.packages.map((entry) => ({ loaded, entry })),
  );
  const entries = groupBy(listed, ({ entry }) => entry.sha256);
  // Cores are shared by the packages that are rebuilt, as rebuild-debs.ts does.
  const threads = Math.max(1, Math.floor(options.cores / pending.length));
  return pending.map((one) => {
    const found = entries.get(one.sha256) ?? [];
    const matching = found.filter(({ entry }) => isSame(entry, one));
    return waysOf(one, matching, threads, options);
  });
}

function waysOf(
  pending: PendingPackage,
  matching: readonly { loaded: LoadedIndex; entry: IndexedPackage }[],
  threads: number,
  options: FindWaysOptions,
): Ways {
  const [first] = matching;
  const usable = options.encodersProven ? matching : [];
  const all = usable.flatMap(({ loaded, entry }) =>
    deltaWays(pending, indexedAt(loaded, entry), loaded, threads, options),
  );
  const fitting = all.filter(
    ({ candidate }) => candidate.memoryMiB * 2 ** 20 <= options.memoryBytes,
  );
  return {
    pending,
    indexed: first ? indexedAt(first.loaded, first.entry) : null,
    full: fullCandidate(pending.size, options.speeds),
    deltas: fitting
      .filter(({ delta }) => delta.size < pending.size)
      .sort((a, b) => compare(a.candidate, b.candidate, options.prefer)),
    obstacle: first ? explain(pending, all.length, fitting.length, options) : 'not in any index',
  };
}

function indexedAt({ source, index }: LoadedIndex, entry: IndexedPackage): IndexedAt {
  return { source, entry, trackers: index.announce };
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

function deltaWays(
  pending: PendingPackage,
  at: IndexedAt,
  { index }: LoadedIndex,
  threads: number,
  { expandable, speeds, installed }: FindWaysOptions,
): DeltaWay[] {
  const { entry } = at;
  const origins = expandable.get(entry) ?? [];
  const { sha256, size } = pending;
  const forms: { form: DebForm; deb: FileIdentity; origins: readonly PackageOrigin[] }[] = [];
  // Without an encoder that gives the archive's .deb there is only the expanded form.
  if (entry.encoderMiB !== null) forms.push({ form: 'exact', deb: { sha256, size }, origins: [] });
  if (entry.expanded !== null && origins.length > 0) {
    forms.push({ form: 'expanded', deb: entry.expanded, origins });
  }
  return entry.deltas.flatMap((delta) => {
    const batch = index.batches[delta.batch];
    const { oldPackage } = delta;
    const isHere =
      oldPackage === pending.package
        ? delta.oldVersion === pending.oldVersion
        : delta.oldVersion === installed.get(`${oldPackage}:${entry.architecture}`);
    if (!isHere || batch === undefined) return [];
    return forms.map((one) => {
      const candidate = deltaCandidate(one.form, entry, delta, speeds, threads);
      return { ...at, ...one, delta, batch, candidate };
    });
  });
}

/** Fewest bytes, or least time, first; the other decides between equals. */
function compare(a: Candidate, b: Candidate, prefer: Preference): number {
  const bytes = a.bytes - b.bytes;
  const seconds = totalSeconds(a) - totalSeconds(b);
  return prefer === 'bytes' ? bytes || seconds : seconds || bytes;
}

function explain(
  pending: PendingPackage,
  deltas: number,
  fitting: number,
  { encodersProven }: FindWaysOptions,
): string {
  if (!encodersProven) return 'the encoders of this machine write other bytes';
  if (pending.oldVersion === null && deltas === 0) return 'not installed yet';
  if (deltas > 0 && fitting === 0) return 'rebuilding needs more memory than there is';
  if (deltas > 0) return 'the delta is no smaller';
  return `no delta from ${pending.oldVersion ?? 'here'}`;
}
