import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { DebshoalError } from '../shared/errors.js';
import { withTemporaryFolder } from '../shared/io/files.js';
import type { Priority } from '../shared/io/worker-pool.js';
import type { ReportProgress } from '../shared/progress.js';
import type { Swarm } from '../shared/swarm/swarm.js';
import {
  downloadObjects,
  type DownloadOptions,
  type DownloadResult,
} from './download/download-objects.js';
import type { Confinement } from './confinement/find-confinement.js';
import type { HttpClient } from './download/http.js';
import { timeLink } from './predict/time-link.js';
import { activeRoutes, type ActiveRoute, type Route } from './steps/choose-route.js';
import { isOfOnePackage, type Delivery } from './steps/deliver-to-apt.js';
import { describeObjects, type RouteObject } from './steps/describe-objects.js';
import { openRebuilder, type Rebuilder } from './steps/rebuild-debs.js';
import { startReport, type FetchReport, type PackageReport } from './steps/report-fetch.js';
import { verifyDeb } from './steps/verify-deb.js';
import type { SpeedStore } from './store/speeds.js';

export interface FetchOptions {
  /** Of the system where the old versions are installed. */
  readonly root: string;
  /** Where verified .debs go. */
  readonly delivery: Delivery;
  /** Folder for what is unfinished; on the file system of the delivery, so that a rename delivers. */
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
  /** What is tried when a delta fails. */
  readonly fallback: 'full' | 'none';
  /** Told what happens to each package, as it happens. */
  readonly watcher?: FetchWatcher;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

interface FetchWatcher {
  /** Before a torrent is joined; returns whether only the own networks may get something of it. */
  joining?(infoHash: string, suite: string): boolean;
  /**
   * The object lies at its target, as the index says it is. Its package waits, and the file stays,
   * until the promise is settled, which must not fail.
   */
  downloaded(object: RouteObject): Promise<void>;
  rebuilding(route: ActiveRoute): void;
  /** A fallback may still follow. */
  failed(route: ActiveRoute, error: DebshoalError): void;
}

type Form = 'delta' | 'full';

/** What all packages of one fetch share. */
interface Work {
  readonly options: FetchOptions;
  readonly rebuilder: Rebuilder;
  readonly reportOf: (route: Route) => PackageReport;
  /** For the finished .debs of this fetch: others may be under way. */
  readonly finishedFolder: string;
}

/**
 * Carries out a plan: downloads, rebuilds while other downloads run, verifies, delivers.
 * Whatever fails on the way of a delta is tried once as a full .deb, if `fallback` says so; what
 * fails then is left to apt. Only an interruption, a busy apt or a full disk makes the whole fail.
 */
export async function fetchPlanned(
  routes: readonly Route[],
  options: FetchOptions,
): Promise<FetchReport> {
  const active = activeRoutes(routes);
  if (active.length > 0) await options.delivery.prepare();
  const fetchReport = startReport(routes, options.speeds);
  await mkdir(options.cacheFolder, { recursive: true });
  return withTemporaryFolder(async (finishedFolder) => {
    const deltas = active.filter((route) => route.kind === 'delta');
    const rebuilder = openRebuilder(deltas, { ...options, folder: finishedFolder });
    const work: Work = { options, rebuilder, reportOf: fetchReport.of, finishedFolder };
    try {
      const failed = await fetchAll('delta', active, work);
      options.signal.throwIfAborted();
      if (options.fallback === 'full') await fetchAll('full', failed, work);
      options.signal.throwIfAborted();
      await options.delivery.finish();
      return fetchReport.finish();
    } finally {
      await options.speeds.save();
      await rebuilder.close();
    }
  }, options.cacheFolder);
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
  const objects = describeObjects(routes, form, { ...work.options, folder: work.finishedFolder });
  const byId = new Map(objects.map((object) => [object.id, object]));
  const partialFolder = join(cacheFolder, 'partial');
  const failed: ActiveRoute[] = [];
  const fatal: unknown[] = [];
  const finishing: Promise<void>[] = [];
  let done = 0;
  const finish = async (object: RouteObject, result: DownloadResult): Promise<void> => {
    const { route } = object;
    try {
      if (!(await finishPackage(form, object, result, work))) failed.push(route);
      const detail = route.pending.package;
      report({ kind: 'count', name: COUNTED[form], done: ++done, total: objects.length, detail });
    } catch (error) {
      fatal.push(error);
    }
  };
  const results = downloadObjects(objects, { ...download, partialFolder, http, swarm, signal });
  try {
    for await (const result of timeLink(results, speeds)) {
      const object = byId.get(result.id);
      if (fatal.length > 0) break;
      if (object) finishing.push(finish(object, result));
    }
  } finally {
    // They use files that are removed next.
    await Promise.all(finishing);
  }
  if (fatal.length > 0) throw fatal[0];
  return failed;
}

const COUNTED: Readonly<Record<Form, string>> = { delta: 'packages', full: 'full packages' };

/** Rebuilds, verifies, delivers. False when a full .deb may still save what has failed. */
async function finishPackage(
  form: Form,
  object: RouteObject,
  result: DownloadResult,
  { options, rebuilder, reportOf }: Work,
): Promise<boolean> {
  const { route } = object;
  const entry = reportOf(route);
  const isDelta = form === 'delta' && route.kind === 'delta';
  try {
    if (!result.ok) throw result.error;
    entry.addDownload(result);
    await options.watcher?.downloaded(object);
    let { path } = result;
    if (isDelta) {
      options.watcher?.rebuilding(route);
      const rebuilt = await rebuilder.rebuild(route, path);
      entry.addRebuild(rebuilt.seconds);
      path = rebuilt.path;
    }
    const deb = isDelta ? route.deb : route.pending;
    await verifyDeb(path, deb);
    entry.verified();
    await options.delivery.take({ route, by: isDelta ? 'delta' : 'full', deb, path, entry });
    return true;
  } catch (error) {
    noteFailure(error, route, entry, options);
    return !isDelta;
  }
}

function noteFailure(
  error: unknown,
  route: ActiveRoute,
  entry: PackageReport,
  { report, watcher }: FetchOptions,
): void {
  if (!isOfOnePackage(error)) throw error;
  entry.failed(error);
  watcher?.failed(route, error);
  report({ kind: 'warning', text: `${route.pending.package}: ${error.message} [${error.code}]` });
}
