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
 */
export function pairVersions(
  packages: ReadonlyMap<string, ArchivePackage>,
  known: readonly KnownVersion[],
  count: number,
): VersionPair[] {
  const byName = new Map<string, Map<string, KnownVersion>>();
  for (const version of known) {
    const versions = byName.get(nameOf(version)) ?? new Map<string, KnownVersion>();
    byName.set(nameOf(version), versions.set(version.version, version));
  }
  const pairs: VersionPair[] = [];
  for (const current of known) {
    if (!packages.has(current.sha256)) continue;
    const older = [...(byName.get(nameOf(current))?.values() ?? [])]
      .filter((other) => compareVersions(other.version, current.version) < 0)
      .sort((a, b) => compareVersions(b.version, a.version));
    for (const old of older.slice(0, count)) pairs.push({ old, new: current });
  }
  return pairs;
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
