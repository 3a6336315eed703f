#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';

import { runCli } from '../shared/cli/run-cli.js';
import { aptOverheadCommand } from './commands/apt-overhead.js';
import { fetchPairsCommand } from './commands/fetch-pairs.js';
import { fuzzCommand } from './commands/fuzz.js';
import { mainJobCommand } from './commands/main-job.js';
import { predictCommand } from './commands/predict.js';
import { deltasCommand } from './commands/deltas.js';
import { rebuildCommand } from './commands/rebuild.js';
import { scaleCommand } from './commands/scale.js';
import { swarmCommand } from './commands/swarm.js';

await runCli(
  yargs(hideBin(process.argv))
    .scriptName('debshoal-bench')
    .usage('$0 <command>\n\nRuns the main job and measures it on real packages.')
    .command(mainJobCommand)
    .command(deltasCommand)
    .command(predictCommand)
    .command(rebuildCommand)
    .command(aptOverheadCommand)
    .command(fetchPairsCommand)
    .command(fuzzCommand)
    .command(swarmCommand)
    .command(scaleCommand),
);
