import { join } from 'node:path';

import { withLab, type Figure, type ScenarioOptions } from '../lab.js';
import { startLabLiar } from '../lab-liar.js';
import { UNLIMITED } from '../lab-network.js';

const LINE = { down: 100, up: 100 };
const LIARS = 3;

/** One honest peer, and no mirror: with three liars beside it, and without. */
export async function liars(options: ScenarioOptions): Promise<Figure[]> {
  const bytes = options.full ? 100e6 : 25e6;
  return withLab(options, async (lab) => {
    const published = await lab.publish({ singles: [bytes], batch: [] });
    const { objects, folder } = published;
    const torrentPath = join(folder, objects[0]?.torrentPath ?? '');
    const site = await lab.site(await lab.network.host(UNLIMITED), published);
    const honest = await lab.client(await lab.network.host(LINE));
    await honest.seed({ folder, objects, trackers: [] });
    const lying = await Promise.all(
      Array.from({ length: LIARS }, async () =>
        startLabLiar(await lab.network.host(LINE), torrentPath, lab.signal),
      ),
    );
    try {
      const runs = [];
      for (const peers of [[honest.peer], [...lying.map(({ peer }) => peer), honest.peer]]) {
        const client = await lab.client(await lab.network.host(LINE));
        const result = await client.download({ objects, site: site.url, peers });
        if (result.failed.length > 0) throw new Error(result.failed.join('\n'));
        runs.push(result);
      }
      const [without, among] = runs;
      if (without === undefined || among === undefined) throw new Error('no runs');
      const caught = lying.filter(({ peer }) => among.banned.includes(peer.replace(/:\d+$/, '')));
      const wrongly = among.banned.length - caught.length;
      return [
        {
          name: `liars: one honest peer among ${LIARS} ÷ without them`,
          most: 2,
          found: among.seconds / without.seconds,
          detail: `${(bytes / 1e6).toFixed(0)} MB; ${among.seconds.toFixed(2)} s, ${without.seconds.toFixed(2)} s`,
        },
        {
          name: 'liars: banned, less the honest that were',
          least: LIARS,
          found: caught.length - wrongly,
          detail: among.banned.join(' '),
        },
      ];
    } finally {
      await Promise.all(lying.map((liar) => liar.close()));
    }
  });
}
