import { join } from 'node:path';

import {
  batchTorrentPath,
  debTorrentPath,
  deltaFileName,
  deltaPath,
  urlPath,
} from '../../shared/index/layout.js';
import { openTurns } from '../../shared/io/turns.js';
import { isHttpUrl } from '../config/index-sources.js';
import type { DownloadObject } from '../download/download-objects.js';
import { fetchTorrent, type FetchTorrentOptions } from '../download/fetch-torrent.js';
import type { ActiveRoute } from './choose-route.js';

/** Hundreds at once would look like an attack, and keep the objects themselves waiting. */
const MAX_FETCHED_TORRENTS = 6;

export interface DescribeOptions extends FetchTorrentOptions {
  /** For finished objects. */
  readonly folder: string;
  /** Null: no torrent is needed. */
  readonly swarm: object | null;
  /** Told of each torrent; returns whether only the own networks may get something of it. */
  readonly watcher?: { joining?(infoHash: string, suite: string): boolean };
}

/** What to download for a route. */
export interface RouteObject extends DownloadObject {
  readonly route: ActiveRoute;
}

/** What to download for each route: hash and size from the signed index, and where it may be. */
export function describeObjects(
  routes: readonly ActiveRoute[],
  form: 'delta' | 'full',
  options: DescribeOptions,
): RouteObject[] {
  const torrents = startTorrents(routes, form, options);
  return routes.map((route) => {
    const description =
      form === 'delta' && route.kind === 'delta' ? describeDelta(route) : describeFull(route);
    const infoHash = torrentOf(route, form)?.infoHash ?? '';
    const torrent = torrents.get(infoHash);
    const { filePath } = description;
    const { trackers } = route;
    const localOnly =
      torrent !== undefined && options.watcher?.joining?.(infoHash, route.source.suite) === true;
    return {
      ...description,
      id: `${route.pending.archiveName} ${form}`,
      route,
      torrent: torrent ? { torrent, filePath, trackers, localOnly } : null,
      target: join(options.folder, description.name),
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

/** The torrent that carries a route's object; null when the index knows none. */
function torrentOf(
  route: ActiveRoute,
  form: 'delta' | 'full',
): { infoHash: string; path: string } | null {
  if (form === 'delta' && route.kind === 'delta') {
    const { name, infoHash } = route.batch;
    return { infoHash, path: batchTorrentPath(name) };
  }
  const { infoHash } = route.entry;
  return infoHash === null ? null : { infoHash, path: debTorrentPath(infoHash) };
}

/** Starts fetching each .torrent once; nobody waits for them but the swarm. */
function startTorrents(
  routes: readonly ActiveRoute[],
  form: 'delta' | 'full',
  options: DescribeOptions,
): Map<string, Promise<Buffer | null>> {
  const torrents = new Map<string, Promise<Buffer | null>>();
  if (options.swarm === null) return torrents;
  const turns = openTurns(MAX_FETCHED_TORRENTS);
  for (const route of routes) {
    const torrent = torrentOf(route, form);
    if (torrent === null || torrents.has(torrent.infoHash)) continue;
    const { infoHash, path } = torrent;
    const url = `${route.source.uri}/${urlPath(path)}`;
    const fetched = turns.take(0, () => fetchTorrent(url, infoHash, options));
    torrents.set(infoHash, fetched);
  }
  return torrents;
}
