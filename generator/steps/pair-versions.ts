import { seriesOf } from '../../shared/deb/series.js';
import { compareVersions } from '../../shared/deb/version.js';
import type { GeneratorState, KnownVersion } from '../state/state.js';
import type { ArchivePackage } from './scan-archive.js';

/** An old and a new version of one package. */
export interface VersionPair {
  readonly old: KnownVersion;
  readonly new: KnownVersion;
}

/**
 * Pairs every version that the archive has with the newest `count` known versions before it, in
 * whatever suite they were: that is what upgrading machines have. Architectures do not mix. Of
 * several files with one version (rebuilt under its old number) the last one seen counts as old.
 * A package that has no version before, but a series (kernels), is paired with the newest before it
 * of another name: that is what is installed where it is new.
 */
export function pairVersions(
  packages: ReadonlyMap<string, ArchivePackage>,
  known: readonly KnownVersion[],
  count: number,
): VersionPair[] {
  const byName = groupVersions(known, nameOf);
  const bySeries = groupVersions(known, seriesKey);
  const pairs: VersionPair[] = [];
  for (const current of known) {
    if (!packages.has(current.sha256)) continue;
    const own = newestBefore(current, byName.get(nameOf(current)));
    const before =
      own.length > 0 ? own : newestBefore(current, bySeries.get(seriesKey(current))).slice(0, 1);
    for (const old of before.slice(0, count)) pairs.push({ old, new: current });
  }
  return pairs;
}

/** Of each group the versions by their number, the last one seen of each. */
function groupVersions(
  known: readonly KnownVersion[],
  keyOf: (version: KnownVersion) => string,
): Map<string, Map<string, KnownVersion>> {
  const groups = new Map<string, Map<string, KnownVersion>>();
  for (const version of known) {
    const group = groups.get(keyOf(version)) ?? new Map<string, KnownVersion>();
    groups.set(keyOf(version), group.set(version.version, version));
  }
  return groups;
}

function newestBefore(
  { version }: KnownVersion,
  group: ReadonlyMap<string, KnownVersion> = new Map(),
): KnownVersion[] {
  return [...group.values()]
    .filter((other) => compareVersions(other.version, version) < 0)
    .sort((a, b) => compareVersions(b.version, a.version));
}

function seriesKey({ package: name, architecture }: KnownVersion): string {
  return `${seriesOf(name)} ${architecture}`;
}

function nameOf({ package: name, architecture }: KnownVersion): string {
  return `${name} ${architecture}`;
}

/** The pairs for which there is neither a delta nor a reason against one yet. */
export function unmadePairs(
  pairs: readonly VersionPair[],
  state: Pick<GeneratorState, 'deltas' | 'rejected'>,
): VersionPair[] {
  const key = (oldSha256: string, newSha256: string): string => `${oldSha256} ${newSha256}`;
  const done = new Set(
    [...state.deltas, ...state.rejected].map((pair) => key(pair.oldSha256, pair.newSha256)),
  );
  return pairs.filter((pair) => !done.has(key(pair.old.sha256, pair.new.sha256)));
}
