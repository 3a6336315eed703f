import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { fetchWithCurl } from '../fetch-with-curl.js';
import type { LabClient } from '../lab-client.js';
import { withLab, type Figure, type ScenarioOptions } from '../lab.js';
import { UNLIMITED } from '../lab-network.js';
import { mixedSet } from '../upgrade-set.js';

const CLIENTS = 30;
const FULL = { line: { down: 20, up: 10 }, serverUp: 100, bytes: 100e6 };
/**
 * A quarter of all speeds, and bytes that take nearly as long: sixty processes on two cores are busy
 * with the full ones. Fewer bytes would measure the first seconds, and requests of 256 KiB.
 */
const SMALL = { line: { down: 5, up: 2.5 }, serverUp: 25, bytes: 20e6 };

/** Many clients that want the same at the same time, against each of them with curl. */
export async function crowd(options: ScenarioOptions): Promise<Figure[]> {
  const { line, serverUp: up, bytes } = options.full ? FULL : SMALL;
  const count = CLIENTS;
  return withLab(options, async (lab) => {
    const published = await lab.publish(mixedSet(bytes));
    const server = await lab.network.host({ ...UNLIMITED, up });
    const site = await lab.site(server, published);
    const hosts = await Promise.all(Array.from({ length: count }, () => lab.network.host(line)));
    const { objects } = published;

    const sentBefore = (await server.traffic()).sent;
    const plain = await Promise.all(
      hosts.map((host, index) => {
        const folder = join(lab.folder, `curl-${index}`);
        return fetchWithCurl(host, site.url, objects, { folder, signal: lab.signal });
      }),
    );
    const sentPlain = (await server.traffic()).sent;
    options.note(`curl: the last of ${count} after ${Math.max(...plain).toFixed(1)} s`);

    const clients: LabClient[] = [];
    // One after the other: sixty processes that start at once are a minute's work of their own.
    for (const host of hosts) clients.push(await lab.client(host));
    const sentStart = (await server.traffic()).sent;
    const source = { site: site.url, mirrors: [site.url], trackers: [site.tracker] };
    const results = await Promise.all(
      clients.map((client) => client.download({ objects, ...source })),
    );
    const sentSwarm = (await server.traffic()).sent - sentStart;
    const failed = results.flatMap((result) => result.failed);
    if (failed.length > 0) throw new Error(failed.join('\n'));

    const last = Math.max(...results.map(({ seconds }) => seconds));
    const serverRatio = sentSwarm / (sentPlain - sentBefore);
    const cpu = results.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    const speeds = `${line.down}/${line.up} Mbit/s, server ${up}`;
    const what = `${count} clients, ${(bytes / 1e6).toFixed(0)} MB, ${speeds}`;
    return [
      {
        name: 'crowd: bytes of the server ÷ plain HTTP',
        most: 0.15,
        found: serverRatio,
        detail: `${what}; ${(sentSwarm / 1e6).toFixed(0)} MB, ${(sentSwarm / bytes).toFixed(1)} copies`,
      },
      {
        name: 'crowd: seconds of the last ÷ plain HTTP',
        most: 0.5,
        found: last / Math.max(...plain),
        detail: `${last.toFixed(1)} s, curl ${Math.max(...plain).toFixed(1)} s; ${cpu.toFixed(0)} CPU s on ${availableParallelism()} cores`,
      },
    ];
  });
}
