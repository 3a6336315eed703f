import { dirname, join } from 'node:path';

import { withLab, type Figure, type ScenarioOptions } from '../lab.js';
import { UNLIMITED } from '../lab-network.js';
import { transferWithAria2, transferWithLibtorrent } from '../other-clients.js';

/** One transfer from peer to peer within one host, by us and by others. */
export async function loopback(options: ScenarioOptions): Promise<Figure[]> {
  const bytes = options.full ? 1e9 : 2e8;
  return withLab(options, async (lab) => {
    const published = await lab.publish({ singles: [bytes], batch: [] });
    const { objects, folder } = published;
    const [object] = objects;
    if (object === undefined) throw new Error('nothing is published');
    const host = await lab.network.host(UNLIMITED);
    const site = await lab.site(host, published);
    const [seeder, client] = [await lab.client(host, 6881), await lab.client(host, 6882)];
    await seeder.seed({ folder, objects, trackers: [] });
    const ours = await client.download({ objects, site: site.url, peers: [seeder.peer] });
    if (ours.failed.length > 0) throw new Error(ours.failed.join('\n'));
    await seeder.close();
    await client.close();

    const transfer = {
      torrentPath: join(folder, object.torrentPath),
      seedFolder: dirname(join(folder, object.path)),
      tracker: site.tracker,
      signal: lab.signal,
    };
    const speed = (seconds: number): number => bytes / seconds / 1e6;
    const others = [
      ['aria2', transferWithAria2, 1],
      ['libtorrent', transferWithLibtorrent, 0.6],
    ] as const;
    const figures: Figure[] = [];
    for (const [name, run, least] of others) {
      const seconds = await run(host, { ...transfer, emptyFolder: join(lab.folder, name) });
      figures.push({
        name: `loopback: our throughput ÷ that of ${name}`,
        least,
        found: seconds / ours.seconds,
        detail: `${(bytes / 1e6).toFixed(0)} MB; ${speed(ours.seconds).toFixed(0)} MB/s, ${speed(seconds).toFixed(0)} MB/s; ${ours.cpuSeconds.toFixed(1)} CPU s`,
      });
    }
    return figures;
  });
}
