import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { DebshoalError, isDebshoalError, type ErrorCode } from '../shared/errors.js';
import { removeStaleTemporaries } from '../shared/io/files.js';
import type { Priority } from '../shared/io/worker-pool.js';
import type { ReportProgress } from '../shared/progress.js';
import type { Swarm } from '../shared/swarm/swarm.js';
import type { AptSystem } from './apt/apt-system.js';
import { handOver, refuseWhileAptIsBusy } from './apt/hand-over.js';
import { listForApt, type ExpandedDeb } from './apt/local-repository/local-repository.js';
import type { UpgradeRequest } from './apt/pending-upgrades.js';
import {
  downloadObjects,
  type DownloadOptions,
  type DownloadResult,
} from './download/download-objects.js';
import type { Confinement } from './confinement/find-confinement.js';
import type { HttpClient } from './download/http.js';
import { timeLink } from './predict/time-link.js';
import { activeRoutes, type ActiveRoute, type Route } from './steps/choose-route.js';
import { describeObjects } from './steps/describe-objects.js';
import { openRebuilder, type Rebuilder } from './steps/rebuild-debs.js';
import { startReport, type FetchReport, type PackageReport } from './steps/report-fetch.js';
import { verifyDeb } from './steps/verify-deb.js';
import type { SpeedStore } from './store/speeds.js';

export interface FetchOptions {
  readonly system: AptSystem;
  /** What was planned: apt is asked again whether it takes expanded packages. */
  readonly request: UpgradeRequest;
  readonly now: Date;
  /** Folder for what is unfinished; on the file system of apt's cache, so that a rename hands over. */
  readonly cacheFolder: string;
  readonly http: HttpClient;
  /** Learns from what comes and is rebuilt. */
  readonly speeds: SpeedStore;
  /** Null when BitTorrent is switched off or could not start. */
  readonly swarm: Swarm | null;
  readonly download?: Pick<DownloadOptions, 'peers'>;
  /** Of the rebuilding, as is `confinement`. */
  readonly priority: Priority;
  readonly confinement: Confinement;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

type Form = 'delta' | 'full';

/** What all packages of one fetch share. */
interface Work {
  readonly options: FetchOptions;
  readonly rebuilder: Rebuilder;
  readonly reportOf: (route: Route) => PackageReport;
  /** Rebuilt and verified, for our own repository. */
  readonly expanded: (ExpandedDeb & { readonly entry: PackageReport })[];
}

/**
 * Carries out a plan: downloads, rebuilds while other downloads run, verifies, hands over to apt;
 * what is expanded all at once, in our own repository.
 * Whatever fails on the way of a delta is tried once as a full .deb; what fails then is left to
 * apt. Only an interruption, a busy apt or a full disk makes the whole fail.
 */
export async function fetchPlanned(
  routes: readonly Route[],
  options: FetchOptions,
): Promise<FetchReport> {
  const active = activeRoutes(routes);
  if (active.length > 0) await refuseWhileAptIsBusy(options.system);
  const fetchReport = startReport(routes, options.speeds);
  const finished = join(options.cacheFolder, 'finished');
  await mkdir(finished, { recursive: true });
  await removeStaleTemporaries(finished);
  const deltas = active.filter((route) => route.kind === 'delta');
  const { root } = options.system;
  const rebuilder = openRebuilder(deltas, { ...options, root, folder: finished });
  const work: Work = { options, rebuilder, reportOf: fetchReport.of, expanded: [] };
  try {
    const failed = await fetchAll('delta', active, work);
    options.signal.throwIfAborted();
    await fetchAll('full', failed, work);
    options.signal.throwIfAborted();
    await listExpanded(work);
    return fetchReport.finish();
  } finally {
    await options.speeds.save();
    await rebuilder.close();
    await rm(finished, { recursive: true, force: true });
  }
}

/**
 * Fetches the routes in one form: `delta` first, where routes that have none go as full .debs at
 * once, then `full` for those that failed. Returns the failed ones that a full .deb may save.
 */
async function fetchAll(
  form: Form,
  routes: readonly ActiveRoute[],
  work: Work,
): Promise<ActiveRoute[]> {
  if (routes.length === 0) return [];
  const { cacheFolder, http, speeds, swarm, download, signal, report } = work.options;
  const objects = describeObjects(routes, form, work.options);
  const byId = new Map(objects.map((object) => [object.id, object.route]));
  const partialFolder = join(cacheFolder, 'partial');
  const failed: ActiveRoute[] = [];
  const fatal: unknown[] = [];
  const finishing: Promise<void>[] = [];
  let done = 0;
  const finish = async (route: ActiveRoute, result: DownloadResult): Promise<void> => {
    try {
      if (!(await finishPackage(form, route, result, work))) failed.push(route);
      const detail = route.pending.package;
      report({ kind: 'count', name: COUNTED[form], done: ++done, total: objects.length, detail });
    } catch (error) {
      fatal.push(error);
    }
  };
  const results = downloadObjects(objects, { ...download, partialFolder, http, swarm, signal });
  for await (const result of timeLink(results, speeds)) {
    const route = byId.get(result.id);
    if (fatal.length > 0) break;
    if (route) finishing.push(finish(route, result));
  }
  await Promise.all(finishing);
  if (fatal.length > 0) throw fatal[0];
  return failed;
}

const COUNTED: Readonly<Record<Form, string>> = { delta: 'packages', full: 'full packages' };

/** Rebuilds, verifies, hands over. False when a full .deb may still save what has failed. */
async function finishPackage(
  form: Form,
  route: ActiveRoute,
  result: DownloadResult,
  { options, rebuilder, reportOf, expanded }: Work,
): Promise<boolean> {
  const { pending } = route;
  const entry = reportOf(route);
  const isDelta = form === 'delta' && route.kind === 'delta';
  try {
    if (!result.ok) throw result.error;
    entry.addDownload(result);
    let { path } = result;
    if (isDelta) {
      const rebuilt = await rebuilder.rebuild(route, path);
      entry.addRebuild(rebuilt.seconds);
      path = rebuilt.path;
    }
    const deb = isDelta ? route.deb : pending;
    await verifyDeb(path, deb);
    entry.verified();
    if (isDelta && route.form === 'expanded') {
      expanded.push({ pending, origins: route.origins, expanded: deb, path, entry });
    } else {
      await handOver(options.system, pending.archiveName, path);
      entry.handedOver(isDelta ? 'delta' : 'full');
    }
    return true;
  } catch (error) {
    noteFailure(error, pending.package, entry, options);
    return !isDelta;
  }
}

/** Those that apt would not take from us are left to apt: their archive has them whole. */
async function listExpanded({ expanded, options }: Work): Promise<void> {
  if (expanded.length === 0) return;
  const { system, request, now } = options;
  try {
    const taken = await listForApt(system, expanded, request, now);
    for (const { pending, entry } of expanded) {
      if (taken.has(pending.archiveName)) entry.handedOver('delta');
      else {
        const error = new DebshoalError('apt-failed', 'apt prefers another source of this version');
        noteFailure(error, pending.package, entry, options);
      }
    }
  } catch (error) {
    for (const { pending, entry } of expanded) noteFailure(error, pending.package, entry, options);
  }
}

function noteFailure(
  error: unknown,
  name: string,
  entry: PackageReport,
  { report }: FetchOptions,
): void {
  if (!isDebshoalError(error) || FATAL.includes(error.code)) throw error;
  entry.failed(error);
  report({ kind: 'warning', text: `${name}: ${error.message} [${error.code}]` });
}

/** apt at work, a full disk, Ctrl-C: the next package would fare no better. */
const FATAL: readonly ErrorCode[] = ['interrupted', 'apt-busy', 'disk-full'];
