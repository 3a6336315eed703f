#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';

import { runCli } from '../shared/cli/run-cli.js';
import { diffCommand } from './commands/diff.js';
import { initCommand } from './commands/init.js';
import { inspectCommand } from './commands/inspect.js';
import { publishCommand } from './commands/publish.js';
import { serveCommand } from './commands/serve.js';

await runCli(
  yargs(hideBin(process.argv))
    .scriptName('debshoal-generator')
    .usage('$0 <command>\n\nMakes and publishes binary deltas of the packages of a Debian archive.')
    .command(initCommand)
    .command(publishCommand)
    .command(serveCommand)
    .command(diffCommand)
    .command(inspectCommand),
);
