import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { aptProxy } from '../apt/apt-proxies.js';
import { openAptSystem } from '../apt/apt-system.js';
import { createHttpClient } from '../download/http.js';
import { plan } from '../plan.js';
import { STATE_FOLDER } from '../store/folders.js';
import { provenEncoders } from '../store/encoder-proof.js';
import { openSpeedStore } from '../store/speeds.js';
import { openTrustedCounters } from '../store/trusted-counters.js';
import { describePlan, planAsJson } from './describe-plan.js';
import {
  indexSources,
  upgradeOptions,
  upgradeRequest,
  upgradeSettings,
  type UpgradeArguments,
} from './upgrade-options.js';

export const planCommand: CommandModule<object, UpgradeArguments> = {
  command: 'plan [packages..]',
  describe: 'Show what is pending and how each package would come; downloads the index only',
  builder: (yargs: Argv) => upgradeOptions(yargs),
  async handler(args) {
    const reporter = makeReporter();
    const system = await openAptSystem(args.root);
    const http = createHttpClient({ findProxy: aptProxy(system) });
    try {
      const settings = await upgradeSettings(args, system, reporter.report);
      const stateFolder = join(system.root, STATE_FOLDER);
      const speeds = await openSpeedStore(stateFolder, 'read-only');
      const routes = await plan({
        system,
        request: upgradeRequest(args),
        sources: await indexSources(args),
        expanded: settings.expanded,
        prefer: settings.prefer,
        speeds,
        encoders: () => provenEncoders(stateFolder, 'read-only'),
        http,
        counters: await openTrustedCounters(stateFolder, 'read-only'),
        now: new Date(),
        signal: interruptSignal(),
        report: reporter.report,
      });
      reporter.finish();
      const context = { cores: availableParallelism(), medianError: speeds.medianError };
      const json = (): string => JSON.stringify(planAsJson(routes, context));
      console.log(args.json ? json() : describePlan(routes, context));
    } finally {
      http.close();
    }
  },
};
