import { hostname, userInfo } from 'node:os';

import type { Argv, CommandModule } from 'yargs';

import { initHome } from '../home/init.js';
import { homeOption } from './home-option.js';

interface InitArguments {
  home: string;
  name: string;
  email: string;
  'base-url': string | undefined;
  announce: string[] | undefined;
  mirror: string | undefined;
  force: boolean;
  json: boolean;
}

export const initCommand: CommandModule<object, InitArguments> = {
  command: 'init',
  describe: 'Make the signing key and a commented configuration',
  builder: (yargs: Argv) =>
    yargs
      .option('home', homeOption)
      .option('name', {
        type: 'string',
        default: `debshoal deltas of ${hostname()}`,
        describe: 'whose key it is',
      })
      .option('email', {
        type: 'string',
        default: `${userInfo().username}@${hostname()}`,
        describe: 'address in the key',
      })
      .option('base-url', {
        type: 'string',
        describe: 'where clients will find what is published; goes into the configuration',
      })
      .option('announce', {
        type: 'string',
        array: true,
        describe: 'trackers for the torrents; goes into the configuration',
      })
      .option('mirror', {
        type: 'string',
        describe: 'where clients find the archive itself; goes into the configuration',
      })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'replace an existing key; for a while both sign',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example('$0 init --name "Example deltas" --email deltas@example.org', ''),
  async handler({ home, name, email, force, json, announce, mirror, ...args }) {
    const baseUrl = args['base-url'];
    const { paths, fingerprint } = await initHome(home, {
      name,
      email,
      force,
      ...(baseUrl !== undefined && { baseUrl }),
      ...(announce !== undefined && { announce }),
      ...(mirror !== undefined && { mirror }),
    });
    if (json) {
      console.log(JSON.stringify({ fingerprint, paths }));
      return;
    }
    console.log(
      [
        `key            ${fingerprint}`,
        `configuration  ${paths.config}`,
        `for clients    ${paths.publicKey}`,
        `for gpgv       ${paths.keyring}`,
        '',
        'Next: read the configuration, then `debshoal-generator publish ARCHIVE --out DIR`.',
      ].join('\n'),
    );
  },
};
