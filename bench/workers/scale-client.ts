import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { downloadObjects } from '../../client/download/download-objects.js';
import { createHttpClient } from '../../client/download/http.js';
import { decodeDeltasIndex } from '../../shared/index/deltas-index.js';
import { batchTorrentPath, deltaFileName, deltaPath, urlPath } from '../../shared/index/layout.js';
import { debTorrentPath } from '../../shared/index/layout.js';
import { answerTasks } from '../../shared/io/worker-pool.js';
import { decompressXz } from '../../shared/io/xz.js';
import { LIMITS } from '../../shared/limits.js';
import { startSwarm } from '../../shared/swarm/swarm.js';
import { readIndexFile } from '../scale/make-tree.js';
import { readUsage } from '../measure/process-usage.js';
import type { ClientTask, ClientResult } from '../scale/client-task.js';

/** Reads the whole index, as a client does, and fetches some of what is in it. */
async function work({ out, url, folder, deltas, debs }: ClientTask): Promise<ClientResult> {
  const startedAt = performance.now();
  const plain = await decompressXz(await readIndexFile(out), LIMITS.indexExpandedBytes);
  const index = decodeDeltasIndex(plain);
  const indexSeconds = (performance.now() - startedAt) / 1000;

  const step = Math.max(1, Math.floor(index.packages.length / (deltas + debs)));
  const chosen = index.packages.filter((_, position) => position % step === 0);
  await mkdir(folder);
  const torrents = new Map<string, Promise<Buffer>>();
  const torrentAt = (path: string): Promise<Buffer> => {
    const torrent = torrents.get(path) ?? readFile(join(out, path));
    torrents.set(path, torrent);
    return torrent;
  };
  const objects = await Promise.all(
    chosen.slice(0, deltas + debs).map(async (entry, position) => {
      const [delta] = entry.deltas;
      if (delta === undefined) throw new Error(`no delta to ${entry.package}`);
      const batch = index.batches[delta.batch]?.name ?? '';
      const name = deltaFileName(entry.package, delta.oldVersion, entry.version, 'amd64');
      const isDelta = position < deltas;
      const path = isDelta ? deltaPath(batch, name) : (entry.filename ?? '');
      const torrentPath = isDelta ? batchTorrentPath(batch) : debTorrentPath(entry.infoHash ?? '');
      return {
        id: path,
        sha256: isDelta ? delta.sha256 : entry.sha256,
        size: isDelta ? delta.size : entry.size,
        urls: [`${url}${urlPath(path)}`],
        torrent: {
          // Objects of one batch share it, as in a real fetch.
          torrent: await torrentAt(torrentPath),
          trackers: index.announce,
          filePath: isDelta ? name : path.slice(path.lastIndexOf('/') + 1),
        },
        target: join(folder, String(position)),
      };
    }),
  );
  const swarm = await startSwarm({ host: '127.0.0.1', upload: false });
  const http = createHttpClient();
  const began = performance.now();
  const result = { peerBytes: 0, httpBytes: 0, failed: 0 };
  const options = {
    partialFolder: join(folder, 'partial'),
    http,
    swarm,
  };
  for await (const object of downloadObjects(objects, options)) {
    if (!object.ok) result.failed++;
    else {
      result.peerBytes += object.peerBytes;
      result.httpBytes += object.httpBytes;
    }
  }
  const downloadSeconds = (performance.now() - began) / 1000;
  const { peakRssBytes, cpuSeconds } = readUsage(process.pid);
  const swarmRssBytes = readUsage(swarm.pid() ?? process.pid).peakRssBytes;
  await swarm.close();
  http.close();
  const packages = index.packages.length;
  return {
    packages,
    indexSeconds,
    downloadSeconds,
    peakRssBytes,
    swarmRssBytes,
    cpuSeconds,
    ...result,
  };
}

answerTasks(work);
