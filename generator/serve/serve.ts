import { startSwarm, type Swarm } from '../../shared/swarm/swarm.js';
import type { TorrentInfo } from '../../shared/torrent/metainfo.js';
import { startFirstSeeder, type FirstSeeder } from './first-seeder.js';
import { serveStatic, type RunningStatic, type ServedRequest } from './static-files.js';
import { startTracker, type RunningTracker } from './tracker.js';

export interface ServeOptions {
  /** Address to listen on; default `::`, all of them. */
  readonly host?: string;
  /** Ports; 0 (default) is a random one. */
  readonly httpPort?: number;
  readonly trackerPort?: number;
  readonly trackerUdpPort?: number;
  readonly swarmPort?: number;
  /** Bytes per second of all HTTP responses, and of all uploads to peers. */
  readonly httpBytesPerSecond?: number;
  readonly uploadBytesPerSecond?: number;
  /** Newest torrents that are seeded; default 300. */
  readonly maxTorrents?: number;
  /**
   * Where the seeder announces; default the trackers in each torrent. It must be an address that
   * shows the seeder to the tracker as clients can reach it, not localhost.
   */
  readonly announce?: readonly string[];
  /** Finds a torrent's files, in its order; default by name in `deltas/` and `pool/`. */
  readonly resolve?: (info: TorrentInfo) => Promise<readonly string[] | null>;
  /** Milliseconds between looks for new torrents; default a minute, 0 for never. */
  readonly refreshMilliseconds?: number;
  readonly onRequest?: (request: ServedRequest) => void;
  readonly onWarning?: (text: string) => void;
}

export interface RunningServer {
  readonly httpUrl: string;
  /** Announce URLs of the tracker. */
  readonly announce: readonly string[];
  readonly swarmPort: number;
  /** Looks for newly published torrents now; resolves when they are verified and seeded. */
  readonly refresh: () => Promise<void>;
  /** Info hashes that are seeded. */
  readonly seeding: () => ReadonlySet<string>;
  /** Ends everything, within two seconds. */
  readonly close: () => Promise<void>;
}

const REFRESH = 60_000;

/**
 * Serves a published folder for small sites in one process (plus the swarm's): static HTTP, a tracker
 * for its own torrents, and the first seeder. Fails with `io-failed` or `swarm-failed` when an
 * address is taken; what goes wrong later is only a warning. Resolves when the newest torrents are
 * verified; HTTP answers before.
 */
export async function serve(folder: string, options: ServeOptions = {}): Promise<RunningServer> {
  const host = options.host ?? '::';
  const started: { readonly close: () => Promise<void> }[] = [];
  const keep = <T extends { readonly close: () => Promise<void> }>(part: T): T => {
    started.push(part);
    return part;
  };
  const close = async (): Promise<void> => {
    await Promise.all(started.splice(0).map((part) => part.close()));
  };
  try {
    const http: RunningStatic = keep(
      await serveStatic(folder, {
        host,
        port: options.httpPort ?? 0,
        ...optional({ bytesPerSecond: options.httpBytesPerSecond, onRequest: options.onRequest }),
      }),
    );
    const swarm: Swarm = keep(
      await startSwarm({
        host,
        port: options.swarmPort ?? 0,
        upload: true,
        ...optional({
          uploadBytesPerSecond: options.uploadBytesPerSecond,
          onWarning: options.onWarning,
        }),
      }),
    );
    const seeder: FirstSeeder = startFirstSeeder(folder, {
      swarm,
      ...optional({
        maxTorrents: options.maxTorrents,
        trackers: options.announce,
        resolve: options.resolve,
        onWarning: options.onWarning,
      }),
    });
    const tracker: RunningTracker = keep(
      await startTracker({
        host,
        httpPort: options.trackerPort ?? 0,
        udpPort: options.trackerUdpPort ?? 0,
        allows: (infoHash) => seeder.known().has(infoHash),
      }),
    );
    await seeder.refresh();
    keep(refreshing(seeder, options));
    return {
      httpUrl: `http://${host.includes(':') ? `[${host}]` : host}:${http.port}/`,
      announce: tracker.announce,
      swarmPort: swarm.port,
      refresh: seeder.refresh,
      seeding: seeder.seeding,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function refreshing(seeder: FirstSeeder, options: ServeOptions): { close: () => Promise<void> } {
  const interval = options.refreshMilliseconds ?? REFRESH;
  const refresh = (): void => {
    seeder.refresh().catch((error: unknown) => options.onWarning?.(String(error)));
  };
  const timer = interval > 0 ? setInterval(refresh, interval) : undefined;
  return {
    close: () => {
      clearInterval(timer);
      return Promise.resolve();
    },
  };
}

/** Without the entries that are undefined, as exact optional properties ask. */
function optional<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
