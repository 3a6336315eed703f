import { startTracker } from '../../generator/serve/tracker.js';
import { serveStatic } from '../../generator/serve/static-files.js';
import { answerTasks } from '../../shared/io/worker-pool.js';
import { HTTP_PORT, TRACKER_PORT, type SiteTask } from '../swarm/lab-site.js';

/** Static files and a tracker, as `debshoal-generator serve` has them, without its seeder. */
async function work({ folder, address, infoHashes }: SiteTask): Promise<null> {
  const known = new Set(infoHashes);
  await serveStatic(folder, { host: address, port: HTTP_PORT });
  await startTracker({
    host: address,
    httpPort: TRACKER_PORT,
    udpPort: TRACKER_PORT,
    allows: (infoHash) => known.has(infoHash),
  });
  return null;
}

answerTasks(work);
