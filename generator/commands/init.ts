import { hostname, userInfo } from 'node:os';

import type { Argv, CommandModule } from 'yargs';

import { initHome } from '../home/init.js';
import { homeOption } from './home-option.js';

interface InitArguments {
  home: string;
  name: string;
  email: string;
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
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'replace an existing key; for a while both sign',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example('$0 init --name "Example deltas" --email deltas@example.org', ''),
  async handler({ home, name, email, force, json }) {
    const { paths, fingerprint } = await initHome(home, { name, email, force });
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
