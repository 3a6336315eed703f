#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';

import { runCli } from '../shared/cli/run-cli.js';
import { diffCommand } from './commands/diff.js';
import { inspectCommand } from './commands/inspect.js';

await runCli(
  yargs(hideBin(process.argv))
    .scriptName('debshoal-generator')
    .usage('$0 <command>\n\nMakes and publishes binary deltas of the packages of a Debian archive.')
    .command(diffCommand)
    .command(inspectCommand),
);
