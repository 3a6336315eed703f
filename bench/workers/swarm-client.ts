import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { downloadObjects, type DownloadObject } from '../../client/download/download-objects.js';
import { fetchTorrent } from '../../client/download/fetch-torrent.js';
import { createHttpClient } from '../../client/download/http.js';
import { urlPath } from '../../shared/index/layout.js';
import { answerTasks } from '../../shared/io/worker-pool.js';
import { startSwarm, type Swarm } from '../../shared/swarm/swarm.js';
import { readUsage } from '../measure/process-usage.js';
import type { ClientResult, ClientTask, Download } from '../swarm/lab-client.js';

let swarm: Swarm | null = null;
const banned = new Set<string>();

async function work(task: ClientTask): Promise<ClientResult | null> {
  switch (task.kind) {
    case 'start': {
      const { port } = task;
      const onBanned = (address: string): unknown => banned.add(address);
      swarm = await startSwarm({ upload: true, port, host: '0.0.0.0', onBanned });
      return null;
    }
    case 'seed':
      for (const { path, torrentPath } of task.objects) {
        const torrent = await readFile(join(task.folder, torrentPath));
        await swarm?.seed({ torrent, paths: [join(task.folder, path)], trackers: task.trackers });
      }
      return null;
    case 'download':
      return download(task);
  }
}

/** As `fetch` does: torrents come over HTTP while the first bytes do. */
async function download(task: Download): Promise<ClientResult> {
  const startedAt = performance.now();
  const http = createHttpClient();
  const torrents = new Map<string, Promise<Buffer | null>>();
  const signal = new AbortController().signal;
  const torrentOf = async (path: string, infoHash: string): Promise<Buffer | null> => {
    if (task.torrentFolder !== null) return readFile(join(task.torrentFolder, path));
    const url = `${task.site}/${urlPath(path)}`;
    return fetchTorrent(url, infoHash, { http, signal, report: () => undefined });
  };
  const objects = task.objects.map(({ id, sha256, size, path, ...object }): DownloadObject => {
    const torrent = torrents.get(object.infoHash) ?? torrentOf(object.torrentPath, object.infoHash);
    torrents.set(object.infoHash, torrent);
    return {
      id,
      sha256,
      size,
      urls: task.mirrors.map((mirror) => `${mirror}/${urlPath(path)}`),
      torrent: { torrent, filePath: object.filePath, trackers: task.trackers },
      target: join(task.folder, 'finished', createHash('sha1').update(id).digest('hex')),
    };
  });
  const failed: string[] = [];
  let [peerBytes, httpBytes] = [0, 0];
  const active = task.peersUsed ? swarm : null;
  const partialFolder = join(task.folder, 'partial');
  const options = { partialFolder, http, swarm: active, peers: task.peers };
  for await (const result of downloadObjects(objects, options)) {
    if (!result.ok) failed.push(`${result.id}: ${result.error.message}`);
    else {
      peerBytes += result.peerBytes;
      httpBytes += result.httpBytes;
    }
  }
  const seconds = (performance.now() - startedAt) / 1000;
  http.close();
  const swarmPid = swarm?.pid() ?? null;
  const cpuSeconds =
    readUsage(process.pid).cpuSeconds + (swarmPid === null ? 0 : readUsage(swarmPid).cpuSeconds);
  return { seconds, peerBytes, httpBytes, cpuSeconds, failed, banned: [...banned] };
}

answerTasks(work);
