import { withLab, type Figure, type ScenarioOptions } from '../lab.js';
import { UNLIMITED } from '../lab-network.js';
import { mixedSet } from '../upgrade-set.js';

const LINE = { down: 20, up: 10 };
const COMPUTERS = 4;

/** Computers of one house that want the same, and know each other's addresses. */
export async function house(options: ScenarioOptions): Promise<Figure[]> {
  const bytes = options.full ? 100e6 : 20e6;
  return withLab(options, async (lab) => {
    const published = await lab.publish(mixedSet(bytes));
    const { objects } = published;
    const server = await lab.network.host(UNLIMITED);
    const site = await lab.site(server, published);
    const home = await lab.network.house(LINE);
    const hosts = await Promise.all(Array.from({ length: COMPUTERS }, () => home.host(UNLIMITED)));
    const clients = await Promise.all(hosts.map((host) => lab.client(host)));
    const source = { site: site.url, mirrors: [site.url] };

    const before = (await home.traffic()).received;
    const [first] = clients;
    if (first === undefined) throw new Error('an empty house');
    const one = await first.download({ objects, ...source, peersUsed: false });
    const between = (await home.traffic()).received;
    const all = await Promise.all(
      clients.map((client) => {
        const peers = clients.filter((other) => other !== client).map(({ peer }) => peer);
        return client.download({ objects, ...source, peers });
      }),
    );
    const after = (await home.traffic()).received;
    const failed = [one, ...all].flatMap((result) => result.failed);
    if (failed.length > 0) throw new Error(failed.join('\n'));
    const last = Math.max(...all.map(({ seconds }) => seconds));
    return [
      {
        name: `house: bytes over the line, ${COMPUTERS} computers ÷ one`,
        most: 1.1,
        found: (after - between) / (between - before),
        detail: `${(bytes / 1e6).toFixed(0)} MB; ${last.toFixed(1)} s, one alone ${one.seconds.toFixed(1)} s`,
      },
    ];
  });
}
