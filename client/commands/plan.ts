import { join } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { formatBytes, formatPercent, formatTable } from '../../shared/cli/format.js';
import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { openAptSystem } from '../apt/apt-system.js';
import { createHttpClient } from '../download/http.js';
import { plan } from '../plan.js';
import type { Route } from '../steps/choose-route.js';
import { STATE_FOLDER } from '../store/folders.js';
import { openTrustedCounters } from '../store/trusted-counters.js';
import {
  expandedPolicy,
  indexSources,
  upgradeOptions,
  upgradeRequest,
  type UpgradeArguments,
} from './upgrade-options.js';

export const planCommand: CommandModule<object, UpgradeArguments> = {
  command: 'plan [packages..]',
  describe: 'Show what is pending and how each package would come; downloads the index only',
  builder: (yargs: Argv) => upgradeOptions(yargs),
  async handler(args) {
    const reporter = makeReporter();
    const http = createHttpClient();
    try {
      const system = await openAptSystem(args.root);
      const routes = await plan({
        system,
        request: upgradeRequest(args),
        sources: await indexSources(args),
        expanded: expandedPolicy(args, system),
        http,
        counters: await openTrustedCounters(join(system.root, STATE_FOLDER), 'read-only'),
        now: new Date(),
        signal: interruptSignal(),
        report: reporter.report,
      });
      reporter.finish();
      console.log(args.json ? JSON.stringify(asJson(routes)) : describe(routes));
    } finally {
      http.close();
    }
  },
};

function asJson(routes: readonly Route[]) {
  return {
    packages: routes.map((route) => ({
      package: route.pending.package,
      architecture: route.pending.architecture,
      oldVersion: route.pending.oldVersion,
      newVersion: route.pending.version,
      route: route.kind,
      form: route.kind === 'delta' ? route.form : null,
      bytes: route.bytes,
      fullBytes: route.pending.size,
      reason: route.reason,
    })),
    ...totals(routes),
  };
}

function totals(routes: readonly Route[]): { fullBytes: number; bytes: number } {
  return {
    fullBytes: routes.reduce((sum, route) => sum + route.pending.size, 0),
    bytes: routes.reduce((sum, route) => sum + route.bytes, 0),
  };
}

function describe(routes: readonly Route[]): string {
  if (routes.length === 0) return 'Nothing is pending.';
  const { fullBytes, bytes } = totals(routes);
  const table = formatTable(
    ['package', 'to', 'route', 'bytes', 'full .deb', 'reason'],
    routes.map((route) => [
      route.pending.package,
      route.pending.version,
      route.kind,
      formatBytes(route.bytes),
      formatBytes(route.pending.size),
      route.reason,
    ]),
  );
  const count = (kind: Route['kind']): number =>
    routes.filter((route) => route.kind === kind).length;
  const parts = [`${count('delta')} of ${routes.length} by delta`];
  if (count('ready') > 0) parts.push(`${count('ready')} ready for apt`);
  if (count('none') > 0) parts.push(`${count('none')} left to apt`);
  const share = `${formatBytes(bytes)} instead of ${formatBytes(fullBytes)} (${formatPercent(bytes, fullBytes)})`;
  return `${table}\n\n${parts.join(', ')}: ${share}`;
}
