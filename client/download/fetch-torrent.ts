import { isDebshoalError } from '../../shared/errors.js';
import { shownUrl } from '../../shared/io/shown-url.js';
import { LIMITS } from '../../shared/limits.js';
import type { ReportProgress } from '../../shared/progress.js';
import { parseTorrent } from '../../shared/torrent/metainfo.js';
import { getBounded, type HttpClient } from './http.js';

export interface FetchTorrentOptions {
  readonly http: HttpClient;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/**
 * Fetches a .torrent and checks it against the info hash of the signed index. Null when there is no
 * usable one: then HTTP alone has to do.
 */
export async function fetchTorrent(
  url: string,
  infoHash: string,
  { http, signal, report }: FetchTorrentOptions,
): Promise<Buffer | null> {
  try {
    const bytes = await getBounded(http, url, LIMITS.torrentFileBytes, signal);
    if (bytes && parseTorrent(bytes).infoHash === infoHash) return bytes;
    report({
      kind: 'note',
      text: `${shownUrl(url)} is ${bytes ? 'another torrent' : 'not there'}`,
    });
  } catch (error) {
    if (signal.aborted) return null;
    if (!isDebshoalError(error)) throw error;
    report({ kind: 'note', text: `no torrent: ${error.message}` });
  }
  return null;
}
