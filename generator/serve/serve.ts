import { stat } from 'node:fs/promises';

import { DebshoalError } from '../../shared/errors.js';
import { startSwarm, type Swarm } from '../../shared/swarm/swarm.js';
import { openFirstSeeder, type FirstSeeder } from './first-seeder.js';
import { serveMetrics } from './metrics-server.js';
import { watchPublishedTorrents } from './published-torrents.js';
import { openServeMetrics } from './serve-metrics.js';
import { serveStatic, type RunningStatic, type ServedRequest } from './static-files.js';
import { startTracker, type RunningTracker } from './tracker.js';

/** What serving consists of; each part may run on a machine of its own. */
export const SERVED_PARTS = ['files', 'tracker', 'seeder'] as const;

export type ServedPart = (typeof SERVED_PARTS)[number];

export interface ServeOptions {
  /** What is served here; default all of it. */
  readonly parts?: readonly ServedPart[];
  /** Address to listen on; default `::`, all of them. */
  readonly host?: string;
  /** Ports; 0 (default) is a random one. */
  readonly httpPort?: number;
  readonly trackerPort?: number;
  readonly trackerUdpPort?: number;
  readonly swarmPort?: number;
  /** Where metrics are answered; default nowhere. */
  readonly metrics?: { readonly host: string; readonly port: number };
  /** Bytes per second of all HTTP responses, and of all uploads to peers. */
  readonly httpBytesPerSecond?: number;
  readonly uploadBytesPerSecond?: number;
  /** Connections with peers; default 500. */
  readonly maxConnections?: number;
  /**
   * Where the seeder announces; default the trackers in each torrent. It must be an address that
   * shows the seeder to the tracker as clients can reach it, not localhost.
   */
  readonly announce?: readonly string[];
  /** Milliseconds between looks for new torrents; default a minute, 0 for never. */
  readonly refreshMilliseconds?: number;
  readonly onRequest?: (request: ServedRequest) => void;
  readonly onWarning?: (text: string) => void;
}

/** Null or empty for parts that are not served here. */
export interface RunningServer {
  readonly httpUrl: string | null;
  /** Announce URLs of the tracker. */
  readonly announce: readonly string[];
  readonly swarmPort: number | null;
  readonly metricsUrl: string | null;
  /** Looks for newly published torrents now; resolves when they are offered to peers. */
  readonly refresh: () => Promise<void>;
  /** Info hashes that are offered to peers. */
  readonly seeding: () => ReadonlySet<string>;
  /** Ends everything, within two seconds. */
  readonly close: () => Promise<void>;
}

const REFRESH = 60_000;
/** A peer that waits for its turn costs a socket and some kilobytes. */
const MAX_CONNECTIONS = 500;

interface Part {
  readonly close: () => Promise<void>;
}

/**
 * Serves a published folder, or some parts of that: static HTTP, a tracker for its own torrents, and
 * the first seeder, in one process (plus the swarm's). Fails with `io-failed` or `swarm-failed` when
 * there is no folder or an address is taken; what goes wrong later is only a warning. Resolves when
 * all torrents are offered; HTTP and the tracker answer before.
 */
export async function serve(folder: string, options: ServeOptions = {}): Promise<RunningServer> {
  await refuseMissing(folder);
  const host = options.host ?? '::';
  const parts = new Set<ServedPart>(options.parts ?? SERVED_PARTS);
  const metrics = openServeMetrics({ files: parts.has('files') });
  const onWarning = (text: string): void => {
    metrics.countWarning();
    options.onWarning?.(text);
  };
  const started: Part[] = [];
  const keep = async <T extends Part>(part: Promise<T>): Promise<T> => {
    started.push(await part);
    return part;
  };
  const close = async (): Promise<void> => {
    await Promise.all(started.splice(0).map((part) => part.close()));
  };
  const published = watchPublishedTorrents(folder, onWarning);

  const startFiles = (): Promise<RunningStatic> =>
    serveStatic(folder, {
      host,
      port: options.httpPort ?? 0,
      ...(options.httpBytesPerSecond !== undefined && {
        bytesPerSecond: options.httpBytesPerSecond,
      }),
      onRequest: (request) => {
        metrics.countRequest(request);
        options.onRequest?.(request);
      },
    });
  const startOwnTracker = (): Promise<RunningTracker> =>
    startTracker({
      host,
      httpPort: options.trackerPort ?? 0,
      udpPort: options.trackerUdpPort ?? 0,
      allows: (infoHash) => published.all().has(infoHash),
    });
  const startSeeder = async (): Promise<Part & { offers: FirstSeeder; swarm: Swarm }> => {
    const offers = openFirstSeeder(folder, {
      published,
      onWarning,
      ...(options.announce && { trackers: options.announce }),
    });
    const swarm = await startSwarm({
      host,
      port: options.swarmPort ?? 0,
      upload: true,
      maxConnections: options.maxConnections ?? MAX_CONNECTIONS,
      loadOffer: offers.load,
      onWarning,
      ...(options.uploadBytesPerSecond !== undefined && {
        uploadBytesPerSecond: options.uploadBytesPerSecond,
      }),
    });
    swarm.onUpload(({ local, beyond }) => {
      metrics.countUpload(local + beyond);
    });
    return { offers, swarm, close: swarm.close };
  };

  try {
    const files = parts.has('files') ? await keep(startFiles()) : null;
    const seeder = parts.has('seeder') ? await keep(startSeeder()) : null;
    const tracker = parts.has('tracker') ? await keep(startOwnTracker()) : null;
    const measured = { folder, published, tracker, seeder };
    const metricsServer =
      options.metrics === undefined
        ? null
        : await keep(serveMetrics(options.metrics, () => metrics.collect(measured)));
    const refresh = inTurn(async () => {
      await published.refresh();
      tracker?.forget();
      await seeder?.offers.refresh(seeder.swarm);
    });
    await refresh();
    started.push(repeating(refresh, options.refreshMilliseconds ?? REFRESH, onWarning));
    return {
      httpUrl: files === null ? null : `http://${inUrl(host)}:${files.port}/`,
      announce: tracker?.announce ?? [],
      swarmPort: seeder?.swarm.port ?? null,
      metricsUrl: metricsServer?.url ?? null,
      refresh,
      seeding: () => seeder?.offers.seeding() ?? new Set(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function refuseMissing(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory() === true) return;
  throw new DebshoalError('io-failed', `cannot serve ${folder}: there is no such folder`, {
    hint: 'give the folder that `publish --out` writes',
  });
}

/** Runs one at a time, in order. */
function inTurn(run: () => Promise<void>): () => Promise<void> {
  let running = Promise.resolve();
  return () => (running = running.catch(() => undefined).then(run));
}

function repeating(
  refresh: () => Promise<void>,
  interval: number,
  onWarning: (text: string) => void,
): Part {
  const timer =
    interval > 0
      ? setInterval(() => {
          refresh().catch((error: unknown) => {
            onWarning(String(error));
          });
        }, interval)
      : undefined;
  return {
    close: () => {
      clearInterval(timer);
      return Promise.resolve();
    },
  };
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
