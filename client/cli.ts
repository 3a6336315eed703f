#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';

import { runCli } from '../shared/cli/run-cli.js';
import { applyCommand } from './commands/apply.js';

const words = hideBin(process.argv);
const cli = yargs(words)
  .scriptName('debshoal')
  .usage('$0 <command>\n\nFetches package upgrades as binary deltas, from peers and mirrors.');

// `apply` goes without what the others need: 15 MB of memory and a tenth of a second, OpenPGP above all.
if (words[0] !== 'apply') {
  const { planCommand } = await import('./commands/plan.js');
  const { fetchCommand } = await import('./commands/fetch.js');
  const { cleanCommand } = await import('./commands/clean.js');
  const { daemonCommand } = await import('./commands/daemon.js');
  const { configCommand } = await import('./commands/config.js');
  const { enableCommand, disableCommand } = await import('./commands/enable.js');
  cli.command(planCommand).command(fetchCommand).command(cleanCommand).command(configCommand);
  const { statusCommand } = await import('./commands/status.js');
  const { doctorCommand } = await import('./commands/doctor.js');
  cli.command(enableCommand).command(disableCommand).command(statusCommand).command(doctorCommand);
  cli.command(daemonCommand);
}
await runCli(cli.command(applyCommand));
