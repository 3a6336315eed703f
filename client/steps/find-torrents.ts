import { isDebshoalError } from '../../shared/errors.js';
import { batchTorrentPath, debTorrentPath, urlPath } from '../../shared/index/layout.js';
import { LIMITS } from '../../shared/limits.js';
import type { ReportProgress } from '../../shared/progress.js';
import { parseTorrent } from '../../shared/torrent/metainfo.js';
import type { IndexSource } from '../config/index-sources.js';
import { getBounded, type HttpClient } from '../download/http.js';
import type { ActiveRoute } from './choose-route.js';

/** Which torrent carries a route's object; null when the index knows none. */
export function torrentOf(route: ActiveRoute, form: 'delta' | 'full'): TorrentPlace | null {
  const { source, entry } = route;
  if (form === 'delta' && route.kind === 'delta') {
    const { name, infoHash } = route.batch;
    return { source, infoHash, path: batchTorrentPath(name) };
  }
  const { infoHash } = entry;
  return infoHash === null ? null : { source, infoHash, path: debTorrentPath(infoHash) };
}

export interface TorrentPlace {
  readonly source: IndexSource;
  readonly infoHash: string;
  readonly path: string;
}

/**
 * Fetches a .torrent and checks it against the info hash of the signed index. Null when there is no
 * usable one: then HTTP alone has to do.
 */
export async function fetchTorrent(
  place: TorrentPlace,
  http: HttpClient,
  report: ReportProgress,
  signal: AbortSignal,
): Promise<Buffer | null> {
  const url = `${place.source.uri}/${urlPath(place.path)}`;
  try {
    const bytes = await getBounded(http, url, LIMITS.torrentFileBytes, signal);
    if (bytes && parseTorrent(bytes).infoHash === place.infoHash) return bytes;
    report({ kind: 'note', text: `${url} is ${bytes ? 'another torrent' : 'not there'}` });
  } catch (error) {
    if (signal.aborted) return null;
    if (!isDebshoalError(error)) throw error;
    report({ kind: 'note', text: `no torrent: ${error.message}` });
  }
  return null;
}
