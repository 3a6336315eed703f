import { constants, copyFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { DebshoalError, isDebshoalError, withCode } from '../../shared/errors.js';
import { temporaryBeside } from '../../shared/io/files.js';
import type { Priority } from '../../shared/io/worker-pool.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { Swarm } from '../../shared/swarm/swarm.js';
import { formatBytes } from '../../shared/cli/format.js';
import type { Confinement } from '../confinement/find-confinement.js';
import { createHttpClient } from '../download/http.js';
import type { FindProxy } from '../download/proxies.js';
import { fetchPlanned } from '../fetch.js';
import { jobOf } from '../predict/candidates.js';
import { scheduleSeconds } from '../predict/schedule.js';
import { activeRoutes, type ActiveRoute } from '../steps/choose-route.js';
import type { Sharing } from '../sharing/sharing.js';
import type { Delivery } from '../steps/deliver-to-apt.js';
import type { RouteObject } from '../steps/describe-objects.js';
import type { SpeedStore } from '../store/speeds.js';
import type { ReadyStore } from './ready-store.js';
import type { Savings } from './savings.js';
import type { Work, Works } from './works.js';

export interface FetchIntoStoreOptions {
  readonly root: string;
  readonly findProxy: FindProxy;
  /** For what is unfinished; on the file system of the store. */
  readonly folder: string;
  readonly store: ReadyStore;
  readonly works: Works;
  readonly speeds: SpeedStore;
  readonly savings: Savings;
  readonly swarm: () => Swarm | null;
  /** Null: nobody gets anything. */
  readonly sharing: Pick<Sharing, 'downloading' | 'offer'> | null;
  readonly peers: readonly string[];
  readonly confinement: Confinement;
  readonly priority: Priority;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
  readonly onBug: (error: unknown) => void;
}

/**
 * Carries out routes, but for .debs that are made already: each is a work from the first moment, and
 * ends in the store, or fails alone. Never fails itself.
 */
export async function fetchIntoStore(
  routes: readonly ActiveRoute[],
  options: FetchIntoStoreOptions,
): Promise<void> {
  const { store, savings, works, onBug } = options;
  const working = new Map<ActiveRoute, Work>();
  for (const route of activeRoutes(routes)) {
    const { pending } = route;
    // Since it was chosen somebody else may have begun with it, or be done.
    if (works.find(pending.sha256) !== null || store.has(pending)) continue;
    working.set(route, works.begin(pending, `fetching ${describe(route)}`));
  }
  if (working.size === 0) return;
  const end = (route: ActiveRoute, error?: DebshoalError): void => {
    working.get(route)?.finish(error);
    working.delete(route);
  };
  const delivery: Delivery = {
    prepare: () => Promise.resolve(),
    async take({ route, by, deb, path, entry }) {
      await store.add(deb, path);
      entry.handedOver(by);
      end(route);
    },
    finish: () => Promise.resolve(),
  };
  // A client of its own: one that has met a silent server does not ask it again.
  const http = createHttpClient({ findProxy: options.findProxy });
  let why = new DebshoalError('io-failed', 'it was left undone');
  const late = new AbortController();
  const timer = setTimeout(
    () => {
      late.abort();
    },
    patienceWith([...working.keys()]) * 1000,
  );
  try {
    const result = await fetchPlanned([...working.keys()], {
      ...options,
      delivery,
      cacheFolder: options.folder,
      http,
      swarm: options.swarm(),
      signal: AbortSignal.any([options.signal, late.signal]),
      download: { peers: options.peers },
      fallback: 'none',
      watcher: {
        joining: (infoHash, suite) => options.sharing?.downloading(infoHash, suite) ?? true,
        downloaded: (object) => offer(object, options),
        rebuilding: (route) => working.get(route)?.say(`rebuilding ${route.pending.package}`),
        failed: end,
      },
    });
    savings.addFetched(result);
  } catch (thrown) {
    why = late.signal.aborted
      ? new DebshoalError('limit-exceeded', 'it took much longer than predicted')
      : asDebshoalError(thrown, onBug);
    if (why.code === 'disk-full') await store.makeRoom().catch(onBug);
  } finally {
    clearTimeout(timer);
    http.close();
    // Nobody is at them any more, but somebody may be waiting.
    for (const route of [...working.keys()]) end(route, why);
    // This process may end otherwise than by closing.
    await savings.save().catch(onBug);
  }
}

/** Seconds after which a fetch is of no use: its servers trickle, or the machine does all else. */
function patienceWith(routes: readonly ActiveRoute[]): number {
  const jobs = routes.map(({ chosen }) => jobOf(chosen, false));
  return 60 + 10 * scheduleSeconds(jobs, availableParallelism());
}

/**
 * Offers what was downloaded to those who may have it. Rebuilding takes the file away, gives it to a
 * process that may turn against us, and waits for no torrent: so a copy is offered.
 */
async function offer(
  { route, target, torrent }: RouteObject,
  { sharing, folder, onBug }: FetchIntoStoreOptions,
): Promise<void> {
  if (sharing === null || torrent === null) return;
  const path = temporaryBeside(join(folder, 'offered'));
  try {
    await copyFile(target, path, constants.COPYFILE_FICLONE);
  } catch (error) {
    onBug(error);
    return;
  }
  const { filePath, trackers = [] } = torrent;
  const { package: name, architecture, version } = route.pending;
  const identity = { package: name, architecture, version, suite: route.source.suite };
  const offerIt = async (): Promise<void> => {
    try {
      const bytes = await torrent.torrent;
      if (bytes !== null) {
        await sharing.offer({ path, torrent: bytes, filePath, trackers, ...identity });
      }
    } finally {
      await rm(path, { force: true });
    }
  };
  void offerIt().catch(onBug);
}

function describe({ pending, bytes }: ActiveRoute): string {
  return `${formatBytes(bytes)} for ${pending.package}`;
}

/** A bug in the way of one package must not end a service; it is told to whoever reads the journal. */
function asDebshoalError(thrown: unknown, onBug: (error: unknown) => void): DebshoalError {
  const error = withCode(thrown);
  if (isDebshoalError(error)) return error;
  onBug(error);
  return new DebshoalError('io-failed', 'an error in debshoal', { cause: error });
}
