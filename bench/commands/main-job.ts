import type { Argv, CommandModule } from 'yargs';

import { formatBytes, formatPercent, formatSeconds, formatTable } from '../../shared/cli/format.js';
import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { FIXTURE_PAIRS_FOLDER } from '../fixtures-folder.js';
import { mainJob, type MainJobReport } from '../main-job/main-job.js';

interface MainJobArguments {
  pairs: string;
  'http-rate': number;
  json: boolean;
}

export const mainJobCommand: CommandModule<object, MainJobArguments> = {
  command: 'main-job',
  describe: 'Publish, seed, fetch, rebuild and hand over real packages, all on this machine',
  builder: (yargs: Argv) =>
    yargs
      .option('pairs', {
        type: 'string',
        default: FIXTURE_PAIRS_FOLDER,
        describe: 'folder of pairs NAME/{old,new}.deb',
      })
      .option('http-rate', {
        type: 'number',
        default: 700_000,
        describe: 'bytes a second over HTTP, as from a mirror far away; peers are near',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' }),
  async handler(args) {
    const reporter = makeReporter();
    const report = await mainJob({
      pairsFolder: args.pairs,
      httpBytesPerSecond: args['http-rate'],
      signal: interruptSignal(),
      report: reporter.report,
    });
    reporter.finish();
    console.log(args.json ? JSON.stringify(report) : describe(report, args['http-rate']));
    if (report.packages.some((result) => !result.verified)) process.exitCode = 1;
  },
};

function describe(report: MainJobReport, httpRate: number): string {
  const table = formatTable(
    ['package', 'full .deb', 'delta', 'peers', 'HTTP', 'fetch', 'rebuild', 'of it xz', 'verified'],
    report.packages.map((result) => [
      result.package,
      formatBytes(result.fullBytes),
      result.deltaBytes === null ? '-' : formatBytes(result.deltaBytes),
      formatBytes(result.peerBytes),
      formatBytes(result.httpBytes),
      formatSeconds(result.fetchSeconds),
      formatSeconds(result.rebuildSeconds),
      formatSeconds(result.compressSeconds),
      result.verified ? 'yes' : 'NO',
    ]),
  );
  const { fullBytes, peerBytes, httpBytes, savedBytes, published } = report;
  return [
    table,
    '',
    `Published ${published.deltas} deltas in ${formatSeconds(published.seconds)}, each proven by rebuilding.`,
    `Fetched ${formatBytes(peerBytes + httpBytes)} instead of ${formatBytes(fullBytes)}, ${formatPercent(savedBytes, fullBytes)} saved: ${formatBytes(peerBytes)} from peers, ${formatBytes(httpBytes)} over HTTP (held to ${formatBytes(httpRate)} a second).`,
    `All .debs are byte for byte those of the archive and wait in apt's cache; it took ${formatSeconds(report.seconds)}.`,
  ].join('\n');
}
