import { join } from 'node:path';

import { fetchWithCurl } from '../fetch-with-curl.js';
import { withLab, type Figure, type ScenarioOptions } from '../lab.js';
import { UNLIMITED } from '../lab-network.js';
import type { SetShape } from '../upgrade-set.js';

const LINE = { down: 20, up: 10 };
const FULL_LARGE = 100e6;
const SMALL_LARGE = 10e6;
const DELTAS = { count: 200, bytes: 50e3 };

/** As many connections as the client has. */
const PARALLEL = 4;

/**
 * One client whose tracker knows nobody else, against the faster of two curls: one that asks over one
 * kept connection, and one with four. Lines have no delay, so pipelining as apt does it would show
 * nothing.
 */
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
      const curls: number[] = [];
      for (const parallel of [1, PARALLEL]) {
        const folder = join(lab.folder, `curl-${figures.length}-${parallel}`);
        const options = { folder, parallel, signal: lab.signal };
        curls.push(await fetchWithCurl(host, site.url, objects, options));
      }
      const curl = Math.min(...curls);
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
