import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { DebshoalError, isDebshoalError } from '../shared/errors.js';
import { removeStaleTemporaries } from '../shared/io/files.js';
import type { ReportProgress } from '../shared/progress.js';
import type { Swarm } from '../shared/swarm/swarm.js';
import type { AptSystem } from './apt/apt-system.js';
import { handOver, refuseWhileAptIsBusy } from './apt/hand-over.js';
import { downloadObjects, type DownloadOptions } from './download/download-objects.js';
import type { HttpClient } from './download/http.js';
import type { ActiveRoute, Route } from './steps/choose-route.js';
import { describeObjects } from './steps/describe-objects.js';
import { openRebuilder, type Rebuilder } from './steps/rebuild-debs.js';
import { startReport, type FetchReport, type PackageReport } from './steps/report-fetch.js';
import { verifyDeb } from './steps/verify-deb.js';

export interface FetchOptions {
  readonly system: AptSystem;
  /** Folder for what is unfinished; on the file system of apt's cache, so that a rename hands over. */
  readonly cacheFolder: string;
  readonly http: HttpClient;
  /** Null when BitTorrent is switched off or could not start. */
  readonly swarm: Swarm | null;
  readonly download?: Pick<DownloadOptions, 'peers'>;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/**
 * Carries out a plan: downloads, rebuilds while other downloads run, verifies, hands over to apt.
 * Whatever fails on the way of a delta is tried once as a full .deb; what fails then is left to
 * apt. Only an interruption makes the whole fail.
 */
export async function fetchPlanned(
  routes: readonly Route[],
  options: FetchOptions,
): Promise<FetchReport> {
  const { cacheFolder, signal } = options;
  const active = routes.filter((route) => route.kind === 'delta' || route.kind === 'full');
  if (active.length > 0) await refuseWhileAptIsBusy(options.system);
  const fetchReport = startReport(routes);
  const finished = join(cacheFolder, 'finished');
  await mkdir(finished, { recursive: true });
  await removeStaleTemporaries(finished);
  const rebuilder = openRebuilder(active, { ...options, folder: finished });
  try {
    const failed = await fetchForm('delta', active, fetchReport.of, rebuilder, options);
    signal.throwIfAborted();
    await fetchForm('full', failed, fetchReport.of, rebuilder, options);
    signal.throwIfAborted();
    return fetchReport.finish();
  } finally {
    await rebuilder.close();
    await rm(finished, { recursive: true, force: true });
  }
}

/**
 * Fetches the routes in one form: `delta` first, where routes that have none go as full .debs at
 * once, then `full` for those that failed. Returns the failed ones that a full .deb may save.
 */
async function fetchForm(
  form: 'delta' | 'full',
  routes: readonly ActiveRoute[],
  reportOf: (route: Route) => PackageReport,
  rebuilder: Rebuilder,
  options: FetchOptions,
): Promise<ActiveRoute[]> {
  if (routes.length === 0) return [];
  const { cacheFolder, http, swarm, download, signal, report } = options;
  const objects = describeObjects(routes, form, options);
  const byId = new Map(objects.map((object) => [object.id, object.route]));
  const failed: ActiveRoute[] = [];
  const finishing: Promise<void>[] = [];
  const fatal: unknown[] = [];
  let done = 0;
  const results = downloadObjects(objects, {
    ...download,
    partialFolder: join(cacheFolder, 'partial'),
    http,
    swarm,
    signal,
  });
  for await (const result of results) {
    const route = byId.get(result.id);
    if (route === undefined) continue;
    if (fatal.length > 0) break;
    const entry = reportOf(route);
    const isDelta = form === 'delta' && route.kind === 'delta';
    const finish = async (): Promise<void> => {
      try {
        if (!result.ok) throw result.error;
        entry.addDownload(result);
        const deb = isDelta ? await rebuilder.rebuild(route, result.path, entry) : result.path;
        await verifyDeb(deb, route.pending);
        entry.verified();
        await handOver(options.system, route.pending.archiveName, deb);
        entry.handedOver(isDelta ? 'delta' : 'full');
      } catch (error) {
        if (!isDebshoalError(error)) throw error;
        if (isFatal(error)) throw error;
        entry.failed(error);
        const text = `${route.pending.package}: ${error.message} [${error.code}]`;
        report({ kind: 'warning', text });
        if (isDelta) failed.push(route);
      } finally {
        report({
          kind: 'count',
          name: form === 'delta' ? 'packages' : 'full packages',
          done: ++done,
          total: objects.length,
          detail: route.pending.package,
        });
      }
    };
    finishing.push(
      finish().catch((error: unknown) => {
        fatal.push(error);
      }),
    );
  }
  await Promise.all(finishing);
  if (fatal.length > 0) throw fatal[0];
  return failed;
}

/** apt at work, a full disk, Ctrl-C: the next package would fare no better. */
function isFatal(error: DebshoalError): boolean {
  return ['interrupted', 'apt-busy', 'disk-full'].includes(error.code);
}
