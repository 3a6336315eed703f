import { once } from 'node:events';
import { isIPv6, type AddressInfo } from 'node:net';

import { Server } from 'bittorrent-tracker';

import { DebshoalError } from '../../shared/errors.js';

export interface TrackerOptions {
  readonly host: string;
  readonly httpPort: number;
  /** 0 for a random one, as for HTTP. */
  readonly udpPort: number;
  /** Only these info hashes are tracked: an open tracker serves everybody's torrents. */
  readonly allows: (infoHash: string) => boolean;
}

export interface RunningTracker {
  /** `http://host:port/announce` and `udp://host:port`. */
  readonly announce: readonly [http: string, udp: string];
  readonly activity: () => TrackerActivity;
  /** Drops what is known of torrents that are not allowed any more. */
  readonly forget: () => void;
  readonly close: () => Promise<void>;
}

interface TrackerActivity {
  /** Since the start. */
  readonly announces: number;
  readonly refused: number;
  /** Torrents with peers, and peers of all torrents together: who is in two counts twice. */
  readonly torrents: number;
  readonly seeders: number;
  readonly leechers: number;
}

/** Clients come back after so many milliseconds. */
const INTERVAL = 15 * 60 * 1000;
/** Peers remembered for one torrent. */
const MAX_PEERS = 2000;

/** Starts a tracker for HTTP and UDP. Fails with `io-failed` when an address is taken. */
export async function startTracker(options: TrackerOptions): Promise<RunningTracker> {
  const { host } = options;
  let [announces, refused] = [0, 0];
  const server = new Server({
    http: true,
    udp: true,
    ws: false,
    stats: false,
    interval: INTERVAL,
    peersCacheLength: MAX_PEERS,
    filter: (infoHash, _params, done) => {
      const allowed = options.allows(infoHash);
      if (!allowed) refused++;
      done(allowed ? null : new Error('not our torrent'));
    },
  });
  for (const event of ['start', 'update', 'complete', 'stop', 'pause']) {
    server.on(event, () => announces++);
  }
  // Whatever clients send is a "warning"; only sockets give errors, and those of IPv6 must not end
  // a server on a machine without it.
  server.on('warning', () => undefined);
  server.on('error', () => undefined);
  const started = Promise.all([once(server.http, 'listening'), once(server.udp4, 'listening')]);
  // One plain host would crash: bittorrent-tracker binds its IPv6 socket to it as well.
  const everywhere = host === '::' || host === '0.0.0.0';
  server.listen(
    { http: options.httpPort, udp: options.udpPort },
    {
      http: host,
      udp: everywhere ? '0.0.0.0' : isIPv6(host) ? '127.0.0.1' : host,
      udp6: everywhere ? '::' : isIPv6(host) ? host : '::1',
    },
  );
  try {
    await started;
  } catch (cause) {
    await close(server);
    throw new DebshoalError('io-failed', `cannot start the tracker on ${host}`, { cause });
  }
  const { port } = server.http.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    announce: [`http://${name}:${port}/announce`, `udp://${name}:${server.udp4.address().port}`],
    activity: () => {
      const swarms = Object.values(server.torrents);
      const sum = (role: 'complete' | 'incomplete'): number =>
        swarms.reduce((peers, swarm) => peers + swarm[role], 0);
      return {
        announces,
        refused,
        torrents: swarms.filter(({ complete, incomplete }) => complete + incomplete > 0).length,
        seeders: sum('complete'),
        leechers: sum('incomplete'),
      };
    },
    forget: () => {
      for (const infoHash of Object.keys(server.torrents)) {
        if (!options.allows(infoHash)) Reflect.deleteProperty(server.torrents, infoHash);
      }
    },
    close: () => close(server),
  };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(resolve);
    // Idle keep-alive connections would hold it open.
    server.http.closeAllConnections();
  });
}
