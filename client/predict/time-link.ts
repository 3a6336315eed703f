import type { DownloadResult } from '../download/download-objects.js';
import type { SpeedStore } from '../store/speeds.js';

/**
 * Passes downloads on, and tells `speeds` in the end how fast all of them came together: each alone
 * shares the link with the others, so that its own seconds say little.
 */
export async function* timeLink(
  results: AsyncIterable<DownloadResult>,
  speeds: SpeedStore,
): AsyncGenerator<DownloadResult> {
  const started = performance.now();
  let bytes = 0;
  let ended = started;
  try {
    for await (const result of results) {
      if (result.ok) {
        bytes += result.peerBytes + result.httpBytes;
        ended = performance.now();
      }
      yield result;
    }
  } finally {
    speeds.observeLink(bytes, (ended - started) / 1000);
  }
}
