import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';

import { interruptSignal, runCli } from '../shared/cli/run-cli.js';
import { buildPackage } from './debian/build-package.js';
import { PROGRAMS } from './debian/programs.js';

await runCli(
  yargs(hideBin(process.argv))
    .scriptName('npm run package')
    .command(
      '$0',
      'Build the Debian packages of what `npm run build` has compiled',
      (command) =>
        command
          .option('out', { type: 'string', default: 'dist/packages', describe: 'folder' })
          .option('compression', {
            choices: ['xz', 'none'] as const,
            default: 'xz' as const,
            describe: 'none is for tests: a second instead of a minute',
          }),
      async ({ out, compression }) => {
        const signal = interruptSignal();
        for (const program of PROGRAMS) {
          signal.throwIfAborted();
          console.log(await buildPackage(program, { project: process.cwd(), out, compression }));
        }
      },
    ),
);
