import { join } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { formatBytes, formatPercent, formatSeconds, formatTable } from '../../shared/cli/format.js';
import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { DebshoalError, isDebshoalError } from '../../shared/errors.js';
import { removeStaleTemporaries } from '../../shared/io/files.js';
import { PRIORITIES, type Priority } from '../../shared/io/worker-pool.js';
import type { Progress, ReportProgress } from '../../shared/progress.js';
import { startSwarm, type Swarm } from '../../shared/swarm/swarm.js';
import { aptProxy } from '../apt/apt-proxies.js';
import { openAptSystem } from '../apt/apt-system.js';
import {
  removeLocalRepository,
  removeWhenInstalled,
} from '../apt/local-repository/local-repository.js';
import { SETTINGS_FILE } from '../config/read-settings.js';
import { findConfinement, type Confinement } from '../confinement/find-confinement.js';
import { createHttpClient } from '../download/http.js';
import { fetchPlanned } from '../fetch.js';
import { plan } from '../plan.js';
import { deliverToApt } from '../steps/deliver-to-apt.js';
import type { FetchReport } from '../steps/report-fetch.js';
import { STATE_FOLDER } from '../store/folders.js';
import { withRunLock } from '../store/run-lock.js';
import { openBannedPeers } from '../store/banned-peers.js';
import { provenEncoders } from '../store/encoder-proof.js';
import { openSpeedStore } from '../store/speeds.js';
import { openTrustedCounters } from '../store/trusted-counters.js';
import {
  indexSources,
  upgradeOptions,
  upgradeRequest,
  upgradeSettings,
  type UpgradeArguments,
} from './upgrade-options.js';

interface FetchArguments extends UpgradeArguments {
  swarm: boolean | undefined;
  peer: string[] | undefined;
  priority: Priority;
}

export const fetchCommand: CommandModule<object, FetchArguments> = {
  command: 'fetch [packages..]',
  describe: 'Fetch what is pending, by deltas where they help, and hand it to apt',
  builder: (yargs: Argv) =>
    upgradeOptions(yargs)
      .option('swarm', {
        type: 'boolean',
        defaultDescription: `as Peers in /${SETTINGS_FILE} says, or yes`,
        describe: 'fetch from BitTorrent peers too; --no-swarm for HTTP alone',
      })
      .option('peer', {
        type: 'string',
        array: true,
        describe: 'a known peer, ADDRESS:PORT, besides those that the trackers name',
      })
      .option('priority', {
        choices: PRIORITIES,
        default: 'low' as const,
        describe: 'of rebuilding: low gives way to everything else on this machine',
      })
      .example('$0 fetch && apt upgrade', 'from the sources that are configured'),
  async handler(args) {
    const reporter = makeReporter();
    const signal = interruptSignal();
    const system = await openAptSystem(args.root);
    const sources = await indexSources(args);
    const request = upgradeRequest(args);
    const settings = await upgradeSettings(args, system, reporter.report);
    const { expanded, prefer, peers } = settings;
    if (!settings.fetch) {
      const hint = '`debshoal config` says who set it; `apt upgrade` works as ever.';
      throw new DebshoalError('usage', 'fetching is switched off (Fetch: no)', { hint });
    }
    const confinement = await findConfinement();
    if (confinement.level !== 'sandbox') {
      if (settings.sandbox === 'required') throw noSandbox(confinement);
      reporter.report(warnOf(confinement));
    }
    const report = await withRunLock(system.root, async (cacheFolder) => {
      // What an earlier run listed would be taken, whatever this one says.
      if (expanded === 'never') await removeLocalRepository(system);
      else await removeWhenInstalled(system);
      const now = new Date();
      const http = createHttpClient({ findProxy: aptProxy(system) });
      const stateFolder = join(system.root, STATE_FOLDER);
      // Started first, so that it is ready when apt and the index have answered.
      const swarmStart = peers
        ? tryStartSwarm(stateFolder, reporter.report)
        : Promise.resolve(null);
      try {
        const counters = await openTrustedCounters(stateFolder, 'read-write');
        const speeds = await openSpeedStore(stateFolder, 'read-write');
        const routes = await plan({
          system,
          request,
          sources,
          expanded,
          prefer,
          http,
          counters,
          speeds,
          encoders: () => provenEncoders(stateFolder, 'read-write'),
          now,
          signal,
          report: reporter.report,
        });
        const download = args.peer ? { peers: args.peer } : {};
        const { report } = reporter;
        const { priority } = args;
        const delivery = deliverToApt(system, request, now, report);
        const context = { root: system.root, delivery, cacheFolder, confinement, signal, report };
        const options = { ...context, http, speeds, download, priority, fallback: 'full' } as const;
        // What a killed run has left.
        await removeStaleTemporaries(cacheFolder);
        return await fetchPlanned(routes, { ...options, swarm: await swarmStart });
      } finally {
        http.close();
        await (await swarmStart)?.close();
      }
    });
    reporter.finish();
    console.log(args.json ? JSON.stringify(report) : describe(report));
  },
};

function noSandbox({ detail }: Confinement): DebshoalError {
  return new DebshoalError('tool-failed', `Sandbox is required, but there is ${detail}`, {
    hint: 'Install bubblewrap, or set "Sandbox: preferred"; `apt upgrade` works as ever.',
  });
}

function warnOf({ level, detail }: Confinement): Progress {
  const how = level === 'user' ? 'only as another user' : 'with all rights of this program';
  return { kind: 'warning', text: `deltas are applied ${how}: ${detail}` };
}

/** Without a swarm everything still comes over HTTP. */
async function tryStartSwarm(stateFolder: string, report: ReportProgress): Promise<Swarm | null> {
  try {
    const bans = await openBannedPeers(stateFolder, () => new Date());
    return await startSwarm({
      upload: false,
      lan: true,
      blocklist: bans.addresses,
      onBanned: (address) => void bans.add(address),
    });
  } catch (error) {
    if (!isDebshoalError(error)) throw error;
    report({ kind: 'warning', text: `no BitTorrent: ${error.message}` });
    return null;
  }
}

function describe(report: FetchReport): string {
  if (report.packages.length === 0) return 'Nothing is pending.';
  const table = formatTable(
    [
      ...['package', 'route', 'full .deb', 'delta', 'peers', 'HTTP', 'fetch'],
      ...['rebuild', 'foreseen', 'xz', 'reason'],
    ],
    report.packages.map((result) => [
      result.package,
      result.route,
      formatBytes(result.fullBytes),
      result.deltaBytes === null ? '-' : formatBytes(result.deltaBytes),
      formatBytes(result.peerBytes),
      formatBytes(result.httpBytes),
      formatSeconds(result.fetchSeconds),
      formatSeconds(result.rebuildSeconds),
      result.predictedSeconds === null ? '-' : formatSeconds(result.predictedSeconds),
      formatSeconds(result.compressSeconds),
      result.error ? `${result.error.message} [${result.error.code}]` : result.reason,
    ]),
  );
  const { packages, peerBytes, httpBytes, fullBytes } = report;
  const waiting = packages.filter(({ route, handedOver }) => handedOver || route === 'ready');
  const lines = [`${waiting.length} of ${packages.length} wait for apt.`];
  if (fullBytes > 0) {
    const fetched = `${formatBytes(peerBytes + httpBytes)} (${formatBytes(peerBytes)} from peers)`;
    const saved = formatPercent(report.savedBytes, fullBytes);
    lines.push(
      `Fetched ${fetched} instead of ${formatBytes(fullBytes)} in ${formatSeconds(report.seconds)}: ${saved} saved.`,
    );
  }
  if (report.predictionError !== null) {
    const error = formatPercent(report.predictionError, 1);
    lines.push(`The seconds of rebuilding were foreseen with a median error of ${error}.`);
  }
  if (waiting.length > 0) {
    lines.push('`apt upgrade` still prints Get: for them, but takes them from this machine.');
  }
  return [table, '', ...lines].join('\n');
}
