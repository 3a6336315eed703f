import { once } from 'node:events';
import { resolve } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { DebshoalError } from '../../shared/errors.js';
import { SERVED_PARTS, serve, type RunningServer } from '../serve/serve.js';
import { parseMetricsAddress, parseParts, refuseUseless } from './serve-options.js';

interface ServeArguments {
  folder: string;
  only: string | undefined;
  host: string;
  'http-port': number | undefined;
  'tracker-port': number | undefined;
  'swarm-port': number | undefined;
  'http-rate': number | undefined;
  'upload-rate': number | undefined;
  announce: string[] | undefined;
  metrics: string | undefined;
  json: boolean;
}

const PORTS = { 'http-port': 8080, 'tracker-port': 6969, 'swarm-port': 6881 } as const;

/** yargs' own default would make an option look as if it were given. */
function port(name: keyof typeof PORTS, describe: string): PortOption {
  return { type: 'number', describe, defaultDescription: String(PORTS[name]) };
}

interface PortOption {
  readonly type: 'number';
  readonly describe: string;
  readonly defaultDescription: string;
}

export const serveCommand: CommandModule<object, ServeArguments> = {
  command: 'serve <folder>',
  describe: 'Serve a published folder: HTTP, a tracker and the first seeder, together or apart',
  builder: (yargs: Argv) =>
    yargs
      .positional('folder', {
        type: 'string',
        demandOption: true,
        describe: 'what `publish --out` wrote; new publications are noticed within a minute',
      })
      .option('only', {
        type: 'string',
        describe: `serve only these: some of ${SERVED_PARTS.join(',')}`,
        defaultDescription: SERVED_PARTS.join(','),
      })
      .option('host', { type: 'string', default: '::', describe: 'address to listen on' })
      .option('http-port', port('http-port', 'files: TCP; 0 for any free one'))
      .option('tracker-port', port('tracker-port', 'tracker: TCP and UDP'))
      .option('swarm-port', port('swarm-port', 'seeder: TCP, for peers'))
      .option('http-rate', {
        type: 'number',
        describe: 'files: bytes a second of all HTTP responses',
      })
      .option('upload-rate', { type: 'number', describe: 'seeder: bytes a second to all peers' })
      .option('announce', {
        type: 'string',
        array: true,
        describe: 'seeder: trackers that it tells of itself, instead of those in the torrents',
      })
      .option('metrics', {
        type: 'string',
        describe: 'answer Prometheus at http://[ADDRESS:]PORT/metrics; ADDRESS is 127.0.0.1',
        defaultDescription: 'nowhere',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print the addresses as JSON' })
      .epilogue(
        'Parts may run on several machines: files on any static host (/usr/share/debshoal/nginx.conf), the ' +
          'tracker may be opentracker, and there may be several seeders, each with a copy of the ' +
          'folder. A tracker needs only the torrents/ in it.',
      )
      .check((args) => {
        const parts = parseParts(args.only ?? SERVED_PARTS.join(','));
        const given = Object.keys(args).filter((name) => args[name] !== undefined);
        refuseUseless(given, parts);
        for (const name of Object.keys(PORTS) as (keyof typeof PORTS)[]) {
          const value = args[name] ?? PORTS[name];
          if (Number.isInteger(value) && value >= 0 && value <= 65_535) continue;
          throw new DebshoalError('usage', `--${name} must be from 0 to 65535`);
        }
        for (const name of ['http-rate', 'upload-rate'] as const) {
          const value = args[name] ?? 1;
          if (value > 0) continue;
          throw new DebshoalError('usage', `--${name} must be more than 0`);
        }
        if (args.metrics !== undefined) parseMetricsAddress(args.metrics);
        return true;
      }),
  async handler(args) {
    const signal = interruptSignal();
    const { report } = makeReporter();
    const trackerPort = args['tracker-port'] ?? PORTS['tracker-port'];
    const server = await serve(resolve(args.folder), {
      parts: parseParts(args.only ?? SERVED_PARTS.join(',')),
      host: args.host,
      httpPort: args['http-port'] ?? PORTS['http-port'],
      trackerPort,
      trackerUdpPort: trackerPort,
      swarmPort: args['swarm-port'] ?? PORTS['swarm-port'],
      ...(args['http-rate'] !== undefined && { httpBytesPerSecond: args['http-rate'] }),
      ...(args['upload-rate'] !== undefined && { uploadBytesPerSecond: args['upload-rate'] }),
      ...(args.announce && { announce: args.announce }),
      ...(args.metrics !== undefined && { metrics: parseMetricsAddress(args.metrics) }),
      onWarning: (text) => {
        report({ kind: 'warning', text });
      },
    });
    try {
      console.log(args.json ? describeAsJson(server) : describe(server));
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      await server.close();
    }
  },
};

function describeAsJson(server: RunningServer): string {
  const { httpUrl, announce, swarmPort, metricsUrl } = server;
  return JSON.stringify({
    httpUrl,
    announce,
    swarmPort,
    seeding: server.seeding().size,
    metricsUrl,
  });
}

function describe({ httpUrl, announce, swarmPort, metricsUrl, seeding }: RunningServer): string {
  const lines = [
    httpUrl !== null && `HTTP     ${httpUrl}`,
    announce.length > 0 && `tracker  ${announce.join('  ')}`,
    swarmPort !== null && `peers    port ${swarmPort}, offering ${seeding().size} torrents`,
    metricsUrl !== null && `metrics  ${metricsUrl}`,
    'Ctrl-C ends it.',
  ];
  return lines.filter((line) => line !== false).join('\n');
}
