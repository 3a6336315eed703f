#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';

import { runCli } from '../shared/cli/run-cli.js';
import { applyCommand } from './commands/apply.js';
import { cleanCommand } from './commands/clean.js';
import { fetchCommand } from './commands/fetch.js';
import { planCommand } from './commands/plan.js';

await runCli(
  yargs(hideBin(process.argv))
    .scriptName('debshoal')
    .usage('$0 <command>\n\nFetches package upgrades as binary deltas, from peers and mirrors.')
    .command(planCommand)
    .command(fetchCommand)
    .command(cleanCommand)
    .command(applyCommand),
);
