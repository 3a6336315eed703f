import { join } from 'node:path';

import { deltaFileName, deltaPath, urlPath } from '../../shared/index/layout.js';
import type { ReportProgress } from '../../shared/progress.js';
import { isHttpUrl } from '../config/index-sources.js';
import type { DownloadObject } from '../download/download-objects.js';
import type { HttpClient } from '../download/http.js';
import type { ActiveRoute } from './choose-route.js';
import { fetchTorrent, torrentOf } from './find-torrents.js';

export interface DescribeOptions {
  readonly cacheFolder: string;
  readonly http: HttpClient;
  readonly swarm: unknown;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/** What to download for each route: hash and size from the signed index, and where it may be. */
export function describeObjects(
  routes: readonly ActiveRoute[],
  form: 'delta' | 'full',
  options: DescribeOptions,
): (DownloadObject & { route: ActiveRoute })[] {
  const torrents = startTorrents(routes, form, options);
  return routes.map((route) => {
    const description =
      form === 'delta' && route.kind === 'delta' ? describeDelta(route) : describeFull(route);
    const place = torrentOf(route, form);
    const torrent = place ? torrents.get(place.infoHash) : undefined;
    const { filePath } = description;
    const { trackers } = route;
    return {
      ...description,
      id: `${route.pending.archiveName} ${form}`,
      route,
      torrent: torrent ? { torrent, filePath, trackers } : null,
      target: join(options.cacheFolder, 'finished', description.name),
    };
  });
}

type Description = Pick<DownloadObject, 'sha256' | 'size' | 'urls'> & {
  readonly name: string;
  readonly filePath: string | null;
};

function describeDelta(route: ActiveRoute & { kind: 'delta' }): Description {
  const { pending, source, delta, batch } = route;
  const name = deltaFileName(
    pending.package,
    delta.oldVersion,
    pending.version,
    pending.architecture,
  );
  return {
    name,
    sha256: delta.sha256,
    size: delta.size,
    urls: [`${source.uri}/${urlPath(deltaPath(batch.name, name))}`],
    filePath: name,
  };
}

/** The archive's own mirrors first: that is where apt would go. */
function describeFull({ pending, source, entry }: ActiveRoute): Description {
  const own = entry.filename === null ? [] : [`${source.uri}/${urlPath(entry.filename)}`];
  return {
    name: pending.archiveName,
    sha256: pending.sha256,
    size: pending.size,
    urls: [...pending.uris.filter(isHttpUrl), ...own],
    filePath: null,
  };
}

/** Starts fetching each .torrent once; nobody waits for them but the swarm. */
function startTorrents(
  routes: readonly ActiveRoute[],
  form: 'delta' | 'full',
  { http, swarm, report, signal }: DescribeOptions,
): Map<string, Promise<Buffer | null>> {
  const torrents = new Map<string, Promise<Buffer | null>>();
  if (swarm === null) return torrents;
  for (const route of routes) {
    const place = torrentOf(route, form);
    if (place === null || torrents.has(place.infoHash)) continue;
    torrents.set(place.infoHash, fetchTorrent(place, http, report, signal));
  }
  return torrents;
}
