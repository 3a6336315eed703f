import { join } from 'node:path';

import { fetchWithCurl } from '../fetch-with-curl.js';
import { withLab, type Figure, type ScenarioOptions } from '../lab.js';
import { UNLIMITED } from '../lab-network.js';
import type { SetShape } from '../upgrade-set.js';

const LINE = { down: 20, up: 10 };
const FULL_LARGE = 100e6;
const SMALL_LARGE = 10e6;
const DELTAS = { count: 200, bytes: 50e3 };

/** One client whose tracker knows nobody else, against curl. */
export async function alone(options: ScenarioOptions): Promise<Figure[]> {
  const large = options.full ? FULL_LARGE : SMALL_LARGE;
  const shapes: [string, SetShape][] = [
    [`1 × ${large / 1e6} MB`, { singles: [large], batch: [] }],
    [
      `${DELTAS.count} × ${DELTAS.bytes / 1e3} kB`,
      { singles: [], batch: Array<number>(DELTAS.count).fill(DELTAS.bytes) },
    ],
  ];
  return withLab(options, async (lab) => {
    const server = await lab.network.host(UNLIMITED);
    const host = await lab.network.host(LINE);
    const figures: Figure[] = [];
    for (const [name, shape] of shapes) {
      const published = await lab.publish(shape);
      const { objects } = published;
      const site = await lab.site(server, published);
      const folder = join(lab.folder, `curl-${figures.length}`);
      const curl = await fetchWithCurl(host, site.url, objects, { ...lab, folder });
      const client = await lab.client(host);
      const source = { site: site.url, mirrors: [site.url], trackers: [site.tracker] };
      const { seconds, failed, cpuSeconds } = await client.download({ objects, ...source });
      if (failed.length > 0) throw new Error(failed.join('\n'));
      figures.push({
        name: `alone, ${name}: seconds ÷ curl`,
        most: 1.05,
        found: seconds / curl,
        detail: `${seconds.toFixed(2)} s, curl ${curl.toFixed(2)} s; ${cpuSeconds.toFixed(2)} CPU s`,
      });
      await lab.stopAll();
    }
    return figures;
  });
}
