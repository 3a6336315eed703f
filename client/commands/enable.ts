import { createInterface } from 'node:readline/promises';

import type { Argv, CommandModule } from 'yargs';

import { DebshoalError } from '../../shared/errors.js';
import { readEffectiveSettings } from '../config/read-settings.js';
import { SHARE_SCOPES, type ShareScope } from '../config/settings.js';
import { disable, enable, type Outcome, type Place } from '../setup/enable.js';
import { findServiceUnit } from '../setup/service-unit.js';

interface EnableArguments {
  share: ShareScope | undefined;
  json: boolean;
}

export const enableCommand: CommandModule<object, EnableArguments> = {
  command: 'enable',
  describe: 'Put debshoal behind apt: every front-end then fetches through it',
  builder: (yargs: Argv) =>
    jsonOption(yargs)
      .option('share', {
        choices: SHARE_SCOPES,
        defaultDescription: 'as configured; on a terminal you are asked',
        describe: 'who may get from this machine the packages that it has fetched',
      })
      .example('$0 enable', '')
      .example('$0 enable --share lan', 'and share with the local network')
      .epilogue(
        'Links the snippets of the package into /etc/apt/apt.conf.d, and starts the daemon where ' +
          'systemd runs. Doing it again changes nothing. `debshoal disable` takes all of it back.',
      ),
  async handler({ share, json }) {
    requireRoot('enable');
    const asked = share ?? (json ? null : await askWhetherToShare());
    const outcome = await enable(await thisMachine(), asked);
    print(outcome, json, 'debshoal is behind apt.', 'debshoal was behind apt already.');
  },
};

export const disableCommand: CommandModule<object, { json: boolean }> = {
  command: 'disable',
  describe: 'Leave apt as it was before `debshoal enable`, and stop the daemon',
  builder: (yargs: Argv) =>
    jsonOption(yargs).epilogue('Settings other than that of `enable --share` stay.'),
  async handler({ json }) {
    requireRoot('disable');
    const outcome = await disable(await thisMachine());
    const end = outcome.warnings.length === 0 ? 'apt is as it was.' : 'apt asks us no more.';
    print(outcome, json, end, 'debshoal was not behind apt.');
  },
};

function jsonOption(yargs: Argv) {
  const describe = 'print one JSON object';
  return yargs.option('json', { type: 'boolean', default: false, describe });
}

async function thisMachine(): Promise<Place> {
  return { root: '/', unit: await findServiceUnit() };
}

function requireRoot(command: string): void {
  if (process.geteuid?.() === 0) return;
  throw new DebshoalError('io-failed', `${command} changes this system`, {
    hint: 'run it as root',
  });
}

const QUESTION = `Machines in your local network can fetch packages from this one instead of downloading
them again. They see which packages this machine has. "debshoal enable --share lan" asks
nothing, and "debshoal disable" ends it.
Share with the local network? [y/N] `;

/** Only a person who has not decided yet is asked; null: leave it as it is. */
async function askWhetherToShare(): Promise<ShareScope | null> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return null;
  if ((await readEffectiveSettings('/')).origins.has('share')) return null;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(QUESTION)).trim()) ? 'lan' : null;
  } finally {
    terminal.close();
  }
}

function print(outcome: Outcome, json: boolean, changed: string, unchanged: string): void {
  for (const text of outcome.warnings) console.error(`warning: ${text}`);
  if (json) console.log(JSON.stringify(outcome));
  else console.log([...outcome.done, outcome.done.length > 0 ? changed : unchanged].join('\n'));
}
