import { withLab, type Figure, type ScenarioOptions } from '../lab.js';
import { UNLIMITED } from '../lab-network.js';

const BYTES = 100e3;
const TRIALS = 9;

/** A small object that one peer of the same network has, and no mirror; the swarm runs already. */
export async function lanObject(options: ScenarioOptions): Promise<Figure[]> {
  return withLab(options, async (lab) => {
    const published = await lab.publish({ singles: Array<number>(TRIALS).fill(BYTES), batch: [] });
    const { objects } = published;
    const server = await lab.network.host(UNLIMITED);
    const site = await lab.site(server, published);
    const [seeder, client] = await Promise.all([
      lab.client(await lab.network.host(UNLIMITED)),
      lab.client(await lab.network.host(UNLIMITED)),
    ]);
    await seeder.seed({ folder: published.folder, objects, trackers: [] });
    const times: number[] = [];
    for (const object of objects) {
      const peers = [seeder.peer];
      const result = await client.download({ objects: [object], site: site.url, peers });
      if (result.failed.length > 0) throw new Error(result.failed.join('\n'));
      times.push(result.seconds * 1000);
    }
    times.sort((a, b) => a - b);
    return [
      {
        name: 'LAN: milliseconds for 100 kB from one peer, asked to verified',
        most: 50,
        found: times[TRIALS >> 1] ?? NaN,
        detail: `median of ${TRIALS}: ${times.map((time) => time.toFixed(0)).join(' ')}`,
      },
    ];
  });
}
