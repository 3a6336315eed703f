import { once } from 'node:events';
import { resolve } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { DebshoalError } from '../../shared/errors.js';
import { serve } from '../serve/serve.js';

interface ServeArguments {
  folder: string;
  host: string;
  'http-port': number;
  'tracker-port': number;
  'swarm-port': number;
  'http-rate': number | undefined;
  'upload-rate': number | undefined;
  announce: string[] | undefined;
  json: boolean;
}

export const serveCommand: CommandModule<object, ServeArguments> = {
  command: 'serve <folder>',
  describe: 'Serve a published folder: HTTP, a tracker and the first seeder, for small sites',
  builder: (yargs: Argv) =>
    yargs
      .positional('folder', {
        type: 'string',
        demandOption: true,
        describe: 'what `publish --out` wrote; new publications are noticed within a minute',
      })
      .option('host', { type: 'string', default: '::', describe: 'address to listen on' })
      .option('http-port', { type: 'number', default: 8080, describe: 'TCP; 0 for any free one' })
      .option('tracker-port', { type: 'number', default: 6969, describe: 'TCP and UDP' })
      .option('swarm-port', { type: 'number', default: 6881, describe: 'TCP, for peers' })
      .option('http-rate', { type: 'number', describe: 'bytes a second of all HTTP responses' })
      .option('upload-rate', { type: 'number', describe: 'bytes a second to all peers' })
      .option('announce', {
        type: 'string',
        array: true,
        describe: 'trackers that the seeder tells of itself, instead of those in the torrents',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print the addresses as JSON' })
      .check((args) => {
        for (const name of ['http-port', 'tracker-port', 'swarm-port'] as const) {
          const port = args[name];
          if (Number.isInteger(port) && port >= 0 && port <= 65_535) continue;
          throw new DebshoalError('usage', `--${name} must be from 0 to 65535`);
        }
        return true;
      }),
  async handler(args) {
    const signal = interruptSignal();
    const { report } = makeReporter();
    const server = await serve(resolve(args.folder), {
      host: args.host,
      httpPort: args['http-port'],
      trackerPort: args['tracker-port'],
      trackerUdpPort: args['tracker-port'],
      swarmPort: args['swarm-port'],
      ...(args['http-rate'] !== undefined && { httpBytesPerSecond: args['http-rate'] }),
      ...(args['upload-rate'] !== undefined && { uploadBytesPerSecond: args['upload-rate'] }),
      ...(args.announce && { announce: args.announce }),
      onWarning: (text) => {
        report({ kind: 'warning', text });
      },
    });
    try {
      const { httpUrl, announce, swarmPort } = server;
      const seeding = server.seeding().size;
      console.log(
        args.json
          ? JSON.stringify({ httpUrl, announce, swarmPort, seeding })
          : [
              `HTTP     ${httpUrl}`,
              `tracker  ${announce.join('  ')}`,
              `peers    port ${swarmPort}, seeding ${seeding} torrents`,
              'Ctrl-C ends it.',
            ].join('\n'),
      );
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      await server.close();
    }
  },
};
