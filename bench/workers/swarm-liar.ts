import { readFile } from 'node:fs/promises';

import { answerTasks } from '../../shared/io/worker-pool.js';
import { parseTorrent } from '../../shared/torrent/metainfo.js';
import type { LiarTask } from '../swarm/lab-liar.js';
import { startRawPeer } from '../swarm/raw-peer.js';

/** Answers every request with bytes of its own making. */
async function work({ torrentPath, host }: LiarTask): Promise<string> {
  const info = parseTorrent(await readFile(torrentPath));
  const answer = (_index: number, _offset: number, length: number): Buffer =>
    Buffer.alloc(length, 'lies');
  return (await startRawPeer(info, { host, answer })).address;
}

answerTasks(work);
