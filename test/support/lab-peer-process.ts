// A swarm of its own in a process, for a host of the laboratory. Reads one task from its argument,
// writes what happens as lines of JSON, and runs until its input ends.
import { readFile } from 'node:fs/promises';

import { startSwarm } from '../../shared/swarm/swarm.js';
import { parseTorrent } from '../../shared/torrent/metainfo.js';
import type { LabPeerTask } from './lab-peer.js';
import { makeHole } from './torrents.js';

const task = JSON.parse(process.argv[2] ?? '') as LabPeerTask;
const say = (event: object): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`);
};

const { groupKey, ...options } = task.swarm;
const key = groupKey === undefined ? {} : { groupKey: Buffer.from(groupKey, 'hex') };
const swarm = await startSwarm({ ...options, ...key });
const torrent = await readFile(task.torrentPath);
const info = parseTorrent(torrent);
const { trackers } = task;
swarm.onUpload(({ local, beyond }) => {
  say({ local, beyond });
});
if (task.beyondBytes !== undefined) {
  swarm.allowUploads({ local: true, beyondBytes: task.beyondBytes });
}
if (task.seeds) {
  await swarm.seed({ torrent, paths: [task.path], trackers });
} else {
  const path = await makeHole(task.path, info.totalLength);
  const missing = [{ start: 0, end: info.totalLength }];
  const files = [{ index: 0, path, missing }];
  const start = { file: 0, offset: 0 };
  let verified = 0;
  swarm.download({ torrent, trackers, peers: task.peers, start, files }, (event) => {
    if (event.kind === 'verified') say({ verified: (verified += event.end - event.start) });
  });
}
say({ port: swarm.port, pid: swarm.pid() });
process.stdin.resume();
process.stdin.on('end', () => {
  void swarm.close().then(() => process.exit(0));
});
