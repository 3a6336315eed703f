import { isDebshoalError } from '../../shared/errors.js';
import { openIndexOfApt } from '../../shared/index/trusted-index.js';
import { LIMITS } from '../../shared/limits.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { AptSystem } from '../apt/apt-system.js';
import { indexTargets, type AptIndexTarget } from '../apt/index-targets.js';
import { isHttpUrl } from '../config/index-sources.js';
import type { LoadedIndex } from './fetch-indexes.js';

/**
 * The indexes that `apt update` fetched and verified beside Packages, because a Release lists them.
 * `deltas/` and `torrents/` are then beside the `dists/` that the index is in: on the archive itself.
 * One that cannot be used is reported and left out.
 */
export async function readAptIndexes(
  system: AptSystem,
  report: ReportProgress,
): Promise<LoadedIndex[]> {
  const targets = await indexTargets(system, 'Debshoal');
  if (targets.length === 0) return [];
  // A source with `Targets: Debshoal` brings an index and no packages: somebody else's index.
  const archives = new Set((await indexTargets(system, 'Packages')).map(releaseOf));
  const loaded: LoadedIndex[] = [];
  for (const target of targets) {
    const { repositoryUri: uri, release: suite, suites } = target;
    const ignore = (reason: string): void => {
      report({ kind: 'warning', text: `no deltas from ${uri} ${suite}: ${reason}` });
    };
    if (!target.isTrusted) ignore('apt does not trust it');
    else if (!isHttpUrl(uri)) ignore('deltas come over HTTP only');
    else {
      try {
        const plain = await system.readList(target.file, LIMITS.indexExpandedBytes);
        const index = openIndexOfApt(suites, target, plain);
        const trust = archives.has(releaseOf(target)) ? 'archive' : 'third-party';
        loaded.push({ source: { uri, suite }, index, trust, allowsExpanded: false });
      } catch (error) {
        if (!isDebshoalError(error)) throw error;
        ignore(`${error.message} [${error.code}]`);
      }
    }
  }
  return loaded;
}

/** Targets of one Release: one signature covers them. */
function releaseOf({ releaseFilePrefix }: AptIndexTarget): string {
  return releaseFilePrefix;
}
