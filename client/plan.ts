import { availableParallelism, freemem } from 'node:os';
import { join } from 'node:path';

import { DebshoalError } from '../shared/errors.js';
import type { EncoderProof } from '../shared/deb/prove-encoders.js';
import type { ReportProgress } from '../shared/progress.js';
import type { AptSystem } from './apt/apt-system.js';
import { installedVersions } from './apt/installed-versions.js';
import { findHandedOver } from './apt/hand-over.js';
import { recogniseListed } from './apt/local-repository/local-repository.js';
import { pendingUpgrades, type UpgradeRequest } from './apt/pending-upgrades.js';
import { SOURCES_FOLDER, type IndexSource } from './config/index-sources.js';
import type { HttpClient } from './download/http.js';
import type { Preference } from './predict/choose-set.js';
import { chooseRoutes, type Route } from './steps/choose-route.js';
import { fetchIndexes, type LoadedIndex } from './steps/fetch-indexes.js';
import { findExpandable, type ExpandedPolicy } from './steps/find-expandable.js';
import { readAptIndexes } from './steps/read-apt-indexes.js';
import type { SpeedStore } from './store/speeds.js';
import type { TrustedCounters } from './store/trusted-counters.js';

export interface PlanOptions {
  readonly system: AptSystem;
  readonly request: UpgradeRequest;
  readonly sources: readonly IndexSource[];
  readonly expanded: ExpandedPolicy;
  readonly prefer: Preference;
  readonly http: HttpClient;
  readonly counters: TrustedCounters;
  readonly speeds: SpeedStore;
  /** Asked only when there are deltas to count on them. */
  readonly encoders: () => Promise<EncoderProof>;
  readonly now: Date;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/** Asks apt what is pending and chooses a route for each package. Downloads the indexes only. */
export async function plan(options: PlanOptions): Promise<Route[]> {
  const { system, request, sources, expanded, http, counters, speeds, now, signal, report } =
    options;
  const { architecture } = system;
  // All take their time, and none needs the others.
  const [offered, aptIndexes, fetchedIndexes] = await Promise.all([
    pendingUpgrades(system, request, report),
    readAptIndexes(system, report),
    fetchIndexes(sources, { http, counters, speeds, architecture, now, signal, report }),
  ]);
  if (sources.length === 0 && aptIndexes.length === 0) {
    const folder = join(system.root, SOURCES_FOLDER);
    const text = `no source of deltas is configured in ${folder}, and no archive of apt's has an index`;
    throw new DebshoalError('config-invalid', text, {
      hint: 'name one with --index, --suite and --key',
    });
  }
  const { pending, listed } = await recogniseListed(system, offered);
  const handedOver = new Set([...listed, ...(await findHandedOver(system, pending))]);
  const indexes = [...aptIndexes, ...fetchedIndexes];
  // A version that somebody names may be one that pins keep from being installed by itself; ours
  // would have the priority of its release, without the pins for its site.
  const policy = namesVersion(request) ? 'never' : expanded;
  const encodersProven = pending.length === 0 || (await proveEncodersFor(indexes, options));
  const expandable = await findExpandable(system, pending, indexes, policy, report);
  return chooseRoutes(pending, indexes, handedOver, {
    memoryBytes: freemem() / 2,
    encodersProven,
    installed: await installedVersions(system.root, namesBefore(indexes)),
    cores: availableParallelism(),
    speeds: speeds.speeds,
    prefer: options.prefer,
    expandable,
  });
}

/** Proves the encoders, if an index has deltas; what xz took corrects the first predictions. */
async function proveEncodersFor(
  indexes: readonly LoadedIndex[],
  { encoders, speeds, report }: PlanOptions,
): Promise<boolean> {
  if (!indexes.some(({ index }) => index.packages.some(({ deltas }) => deltas.length > 0))) {
    return true;
  }
  const { failed, xzBytesPerSecond } = await encoders();
  if (failed.length === 0) speeds.calibrate(xzBytesPerSecond);
  else {
    const text = `no deltas: ${failed.join(' and ')} of this machine would not give the published .debs`;
    report({ kind: 'warning', text });
  }
  return failed.length === 0;
}

/** Of the packages that deltas start from, where these are not the package itself. */
function namesBefore(indexes: readonly LoadedIndex[]): Set<string> {
  const packages = indexes.flatMap(({ index }) => index.packages);
  const names = packages.flatMap(({ package: name, deltas }) =>
    deltas.flatMap(({ oldPackage }) => (oldPackage === name ? [] : [oldPackage])),
  );
  return new Set(names);
}

function namesVersion(request: UpgradeRequest): boolean {
  return request.kind === 'install' && request.packages.some((name) => name.includes('='));
}
