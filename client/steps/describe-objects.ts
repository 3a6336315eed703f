import { join } from 'node:path';

import { deltaFileName, deltaPath, urlPath } from '../../shared/index/layout.js';
import type { ReportProgress } from '../../shared/progress.js';
import { isHttpUrl } from '../config/index-sources.js';
import type { DownloadObject } from '../download/download-objects.js';
import type { HttpClient } from '../download/http.js';
import type { ActiveRoute } from './choose-route.js';
import { fetchTorrent, torrentOf, type TorrentPlace } from './find-torrents.js';

export interface DescribeOptions {
  readonly cacheFolder: string;
  readonly http: HttpClient;
  readonly swarm: unknown;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/** What to download for each route: hash and size from the signed index, and where it may be. */
export async function describeObjects(
  routes: readonly ActiveRoute[],
  form: 'delta' | 'full',
  options: DescribeOptions,
): Promise<(DownloadObject & { route: ActiveRoute })[]> {
  const torrents = await fetchTorrents(routes, form, options);
  return routes.map((route) => {
    const description =
      form === 'delta' && route.kind === 'delta' ? describeDelta(route) : describeFull(route);
    const place = torrentOf(route, form);
    const torrent = place ? torrents.get(place.infoHash) : null;
    const { filePath } = description;
    return {
      ...description,
      id: `${route.pending.archiveName} ${form}`,
      route,
      torrent: torrent ? { torrent, filePath } : null,
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

async function fetchTorrents(
  routes: readonly ActiveRoute[],
  form: 'delta' | 'full',
  { http, swarm, report, signal }: DescribeOptions,
): Promise<Map<string, Buffer | null>> {
  if (swarm === null) return new Map();
  const places = new Map<string, TorrentPlace>();
  for (const route of routes) {
    const place = torrentOf(route, form);
    if (place) places.set(place.infoHash, place);
  }
  return new Map(
    await Promise.all(
      [...places].map(
        async ([infoHash, place]) =>
          [infoHash, await fetchTorrent(place, http, report, signal)] as const,
      ),
    ),
  );
}
