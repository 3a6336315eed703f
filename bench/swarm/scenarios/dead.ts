import { withLab, type Figure, type ScenarioOptions } from '../lab.js';
import { UNLIMITED } from '../lab-network.js';

const PARTS = ['tracker', 'mirror', 'peers'] as const;
/** Nobody has this address. */
const NOBODY = '10.77.255.1';

/**
 * A dead tracker, mirror and known peers in every combination but all. One seeder lives: the tracker
 * knows it, and it is the known peer that may be alive.
 */
export async function dead(options: ScenarioOptions): Promise<Figure[]> {
  const combinations = Array.from({ length: (1 << PARTS.length) - 1 }, (_, bits) =>
    PARTS.filter((_part, index) => (bits >> index) & 1),
  );
  return withLab(options, async (lab) => {
    const published = await lab.publish({ singles: [1e6], batch: Array<number>(5).fill(50e3) });
    const { objects, folder } = published;
    const site = await lab.site(await lab.network.host(UNLIMITED), published);
    const seeder = await lab.client(await lab.network.host(UNLIMITED));
    const singles = objects.filter(({ filePath }) => filePath === null);
    await seeder.seed({ folder, objects: singles, trackers: [site.tracker] });
    const client = await lab.client(await lab.network.host(UNLIMITED));
    const times: string[] = [];
    let complete = 0;
    for (const gone of combinations) {
      const lives = (part: (typeof PARTS)[number]): boolean => !gone.includes(part);
      const { seconds, failed } = await client.download({
        // A batch has no seeder here.
        objects: lives('mirror') ? objects : singles,
        site: site.url,
        // The torrents are there: a site that is gone altogether leaves nothing to ask for.
        torrentFolder: folder,
        mirrors: [lives('mirror') ? site.url : `http://${NOBODY}`],
        trackers: [lives('tracker') ? site.tracker : `http://${NOBODY}/announce`],
        peers: [lives('peers') ? seeder.peer : `${NOBODY}:6881`],
      });
      if (failed.length === 0) complete++;
      else options.note(`without ${gone.join(', ')}: ${failed.join('; ')}`);
      times.push(`${gone.map((part) => part[0]).join('') || '-'} ${seconds.toFixed(1)} s`);
    }
    return [
      {
        name: `dead tracker, mirror, peers: ${combinations.length} combinations, complete`,
        least: combinations.length,
        found: complete,
        detail: times.join(', '),
      },
    ];
  });
}
