import { join } from 'node:path';

import { LIMITS } from '../../shared/limits.js';
import type { ReportProgress } from '../../shared/progress.js';
import { storeDeb } from '../state/deb-store.js';
import type { KnownVersion } from '../state/state.js';
import type { ArchivePackage, ArchiveSuite } from './scan-archive.js';

/** Every package of the archive, each once. */
export function listPackages(suites: readonly ArchiveSuite[]): Map<string, ArchivePackage> {
  const packages = new Map<string, ArchivePackage>();
  for (const { indexes } of suites) {
    for (const index of indexes) {
      for (const entry of index.packages) packages.set(entry.sha256, entry);
    }
  }
  return packages;
}

const WARNINGS = {
  missing: 'is listed but not in the archive',
  different: 'is not the file that the archive lists',
} as const;

/**
 * Puts what the archive has now into the store, before the archive can drop it. Returns the known
 * versions with the new ones after them. A file that vanished, or has other content than the
 * archive says, is left out: the next run looks again.
 */
export async function keepVersions(
  archive: { readonly root: string; readonly packages: ReadonlyMap<string, ArchivePackage> },
  home: string,
  known: readonly KnownVersion[],
  report: ReportProgress,
): Promise<KnownVersion[]> {
  const seen = new Set(known.map((version) => version.sha256));
  const added: KnownVersion[] = [];
  for (const entry of archive.packages.values()) {
    const found =
      entry.size > LIMITS.debBytes
        ? 'different'
        : await storeDeb(home, entry.sha256, join(archive.root, entry.filename));
    if (found !== 'stored') {
      report({ kind: 'warning', text: `${entry.filename} ${WARNINGS[found]}` });
    } else if (!seen.has(entry.sha256)) {
      added.push(entry);
    }
  }
  // Archives move files; torrents name where they are now.
  return [...known.map((version) => archive.packages.get(version.sha256) ?? version), ...added];
}
