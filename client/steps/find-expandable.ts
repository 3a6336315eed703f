import { DebshoalError, isDebshoalError } from '../../shared/errors.js';
import type { IndexedPackage } from '../../shared/index/deltas-index.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { AptSystem } from '../apt/apt-system.js';
import { whyNotFirst } from '../apt/local-repository/apt-sources.js';
import { findOrigins, type PackageOrigin } from '../apt/package-origins.js';
import type { PendingPackage } from '../apt/pending-upgrades.js';
import type { LoadedIndex } from './fetch-indexes.js';

/**
 * Whose word is enough for an expanded .deb, whose hash is in no Packages: `auto` an archive's own
 * about its own packages, and that of third parties whose source says `Allow-Expanded: yes`;
 * `always` anybody's whose index is used; `never` nobody's.
 */
export const EXPANDED_POLICIES = ['auto', 'always', 'never'] as const;
export type ExpandedPolicy = (typeof EXPANDED_POLICIES)[number];

/** Entries of indexes whose expanded form may be installed, and the releases that list them. */
export type Expandable = ReadonlyMap<IndexedPackage, readonly PackageOrigin[]>;

/** Which of the pending packages may be installed in their expanded form. */
export async function findExpandable(
  system: AptSystem,
  pending: readonly PendingPackage[],
  indexes: readonly LoadedIndex[],
  policy: ExpandedPolicy,
  report: ReportProgress,
): Promise<Expandable> {
  const expandable = new Map<IndexedPackage, readonly PackageOrigin[]>();
  if (policy === 'never') return expandable;
  const bySha256 = new Map(pending.map((one) => [one.sha256, one]));
  const offeredBy = (loaded: LoadedIndex) =>
    loaded.index.packages.flatMap((entry) => {
      const wanted = bySha256.get(entry.sha256);
      const is = entry.expanded !== null && entry.deltas.length > 0 && wanted !== undefined;
      return is ? [{ loaded, entry, wanted }] : [];
    });
  for (const loaded of indexes.filter((one) => !mayVouch(one, policy))) {
    const count = offeredBy(loaded).length;
    const text = `${loaded.source.uri} has ${count} packages expanded, too: see --expanded in --help`;
    if (count > 0) report({ kind: 'note', text });
  }
  const offered = indexes.filter((one) => mayVouch(one, policy)).flatMap(offeredBy);
  if (offered.length === 0) return expandable;
  const wanted = [...new Set(offered.map((one) => one.wanted))];
  const origins = await originsOf(system, wanted).catch((error: unknown) => {
    if (!isDebshoalError(error)) throw error;
    report({ kind: 'warning', text: `no expanded packages: ${error.message} [${error.code}]` });
    return new Map<string, readonly PackageOrigin[]>();
  });
  for (const { loaded, entry } of offered) {
    const all = origins.get(entry.sha256) ?? [];
    // An archive vouches under its own name, with the priority that the user gives to that name. It
    // may list another one's package, but cannot replace what that one would install.
    const vouched = loaded.trust === 'archive' ? all.filter(isOwn(loaded)) : all;
    if (vouched.length > 0) expandable.set(entry, vouched);
  }
  return expandable;
}

async function originsOf(
  system: AptSystem,
  wanted: readonly PendingPackage[],
): Promise<ReadonlyMap<string, readonly PackageOrigin[]>> {
  const obstacle = await whyNotFirst(system);
  if (obstacle !== null) throw new DebshoalError('apt-failed', obstacle);
  return findOrigins(system, wanted);
}

function mayVouch({ trust, allowsExpanded }: LoadedIndex, policy: 'auto' | 'always'): boolean {
  return policy === 'always' || trust === 'archive' || allowsExpanded;
}

function isOwn({ source }: LoadedIndex): (origin: PackageOrigin) => boolean {
  return ({ target }) => target.repositoryUri === source.uri && target.release === source.suite;
}
