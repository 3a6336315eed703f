import type { Argv, CommandModule } from 'yargs';

import { openAptSystem } from '../apt/apt-system.js';
import {
  removeLocalRepository,
  removeWhenInstalled,
} from '../apt/local-repository/local-repository.js';
import { withRunLock } from '../store/run-lock.js';

interface CleanArguments {
  all: boolean;
  json: boolean;
}

export const cleanCommand: CommandModule<object, CleanArguments> = {
  command: 'clean',
  describe: 'Remove the repository of expanded packages, once all of them are installed',
  builder: (yargs: Argv) =>
    yargs
      .option('all', {
        type: 'boolean',
        default: false,
        describe: 'remove it now; what waits there comes from its archive then',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .epilogue('`debshoal enable` lets apt run this after each upgrade.'),
  async handler({ all, json }) {
    const system = await openAptSystem('/');
    const waiting = await withRunLock(system.root, async () => {
      if (!all) return removeWhenInstalled(system);
      await removeLocalRepository(system);
      return 0;
    });
    const text = waiting === 0 ? 'Nothing of ours is left in apt.' : `${waiting} wait for apt.`;
    console.log(json ? JSON.stringify({ waiting }) : text);
  },
};
