import type { Swarm } from '../../shared/swarm/swarm.js';
import type { FirstSeeder } from './first-seeder.js';
import { indexMetrics } from './index-metrics.js';
import { openCounter, type Metric } from './metrics.js';
import { processMetrics } from './process-metrics.js';
import type { PublishedTorrents } from './published-torrents.js';
import { kindOf, SERVED_KINDS } from './served-kinds.js';
import type { ServedRequest } from './static-files.js';
import type { RunningTracker } from './tracker.js';

/** What runs here; null for parts that run elsewhere. They have no samples then. */
interface MeasuredParts {
  readonly folder: string;
  readonly published: PublishedTorrents;
  readonly tracker: RunningTracker | null;
  readonly seeder: { readonly offers: FirstSeeder; readonly swarm: Swarm } | null;
}

export interface ServeMetrics {
  readonly countRequest: (request: ServedRequest) => void;
  readonly countUpload: (bytes: number) => void;
  readonly countWarning: () => void;
  readonly collect: (parts: MeasuredParts) => Promise<readonly Metric[]>;
}

export function openServeMetrics({ files }: { readonly files: boolean }): ServeMetrics {
  const kinds = files ? SERVED_KINDS.map((kind) => ({ kind })) : [];
  const requests = openCounter(kinds.map(({ kind }) => ({ kind, code: '200' })));
  const sent = openCounter(kinds);
  const broken = openCounter(kinds);
  const uploaded = openCounter([{}]);
  const warnings = openCounter([{}]);
  const http: readonly (readonly [name: string, help: string, counter: typeof sent])[] = [
    ['requests', 'HTTP requests answered.', requests],
    ['sent_bytes', 'Bytes of HTTP response bodies.', sent],
    [
      'incomplete',
      'HTTP responses that ended early: the client left, or a file could not be read.',
      broken,
    ],
  ];
  return {
    countRequest: ({ url, status, bytes, complete }) => {
      const kind = kindOf(url);
      requests.add({ kind, code: String(status) });
      sent.add({ kind }, bytes);
      if (!complete) broken.add({ kind });
    },
    countUpload: (bytes) => {
      uploaded.add({}, bytes);
    },
    countWarning: () => {
      warnings.add({});
    },
    collect: async ({ folder, published, tracker, seeder }) => [
      ...http.map(([name, help, counter]): Metric => ({
        name: `debshoal_http_${name}_total`,
        kind: 'counter',
        help,
        samples: counter.samples(),
      })),
      one('published_torrents', 'gauge', 'Torrents in the published folder.', published.all().size),
      ...(tracker === null ? [] : trackerMetrics(tracker)),
      ...(seeder === null
        ? []
        : [
            ...seederMetrics(seeder, published),
            one(
              'seeder_sent_bytes_total',
              'counter',
              'Bytes of content sent to peers.',
              valueOf(uploaded),
            ),
          ]),
      one('warnings_total', 'counter', 'Warnings, which are also in the log.', valueOf(warnings)),
      ...(await indexMetrics(folder)),
      ...(await processMetrics({
        main: process.pid,
        ...(seeder !== null && { swarm: seeder.swarm.pid() }),
      })),
    ],
  };
}

function trackerMetrics(tracker: RunningTracker): Metric[] {
  const { announces, refused, torrents, seeders, leechers } = tracker.activity();
  return [
    one('tracker_announces_total', 'counter', 'Announcements that the tracker took.', announces),
    one(
      'tracker_refused_total',
      'counter',
      'Announcements of torrents that are not ours.',
      refused,
    ),
    one('tracker_torrents', 'gauge', 'Torrents that somebody has announced.', torrents),
    {
      ...one('tracker_peers', 'gauge', 'Peers, counted once for each of their torrents.', 0),
      samples: [
        { labels: { role: 'seeder' }, value: seeders },
        { labels: { role: 'leecher' }, value: leechers },
      ],
    },
  ];
}

function seederMetrics(
  { offers, swarm }: NonNullable<MeasuredParts['seeder']>,
  published: PublishedTorrents,
): Metric[] {
  const { torrents, peers } = swarm.activity();
  let objects = 0;
  for (const infoHash of offers.seeding()) objects += published.all().get(infoHash)?.objects ?? 0;
  return [
    one('seeder_torrents', 'gauge', 'Torrents that peers are offered.', offers.seeding().size),
    one('seeder_objects', 'gauge', 'Files in the offered torrents.', objects),
    one(
      'seeder_active_torrents',
      'gauge',
      'Offered torrents that are loaded, for a peer asked.',
      torrents,
    ),
    one('seeder_peers', 'gauge', 'Connected peers.', peers),
    one(
      'seeder_up',
      'gauge',
      'Whether the process that serves peers is running.',
      swarm.pid() === null ? 0 : 1,
    ),
  ];
}

function one(name: string, kind: Metric['kind'], help: string, value: number): Metric {
  return { name: `debshoal_${name}`, kind, help, samples: [{ value }] };
}

function valueOf(counter: ReturnType<typeof openCounter>): number {
  return counter.samples()[0]?.value ?? 0;
}
