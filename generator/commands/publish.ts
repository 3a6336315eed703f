import { resolve } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { formatBytes, formatPercent, formatSeconds } from '../../shared/cli/format.js';
import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { DebshoalError } from '../../shared/errors.js';
import { readConfig } from '../home/config.js';
import { homePaths } from '../home/home-paths.js';
import { publish, type PublishReport } from '../publish.js';
import { homeOption } from './home-option.js';

interface PublishArguments {
  archive: string;
  out: string;
  home: string;
  suite: string[] | undefined;
  component: string[] | undefined;
  architecture: string[] | undefined;
  workers: number | undefined;
  json: boolean;
}

export const publishCommand: CommandModule<object, PublishArguments> = {
  command: 'publish <archive>',
  describe: 'Make, prove, sign and publish the deltas of an archive; run it whenever that changes',
  builder: (yargs: Argv) =>
    yargs
      .positional('archive', {
        type: 'string',
        demandOption: true,
        describe: 'folder with dists/ and pool/, as reprepro, aptly and mirrors leave it',
      })
      .option('out', {
        type: 'string',
        demandOption: true,
        describe: 'folder to publish into; serve it with any web server or `serve`',
      })
      .option('home', homeOption)
      .option('suite', { type: 'string', array: true, describe: 'new deltas for these only' })
      .option('component', { type: 'string', array: true, describe: 'new deltas for these only' })
      .option('architecture', {
        type: 'string',
        array: true,
        describe: 'new deltas for these only',
      })
      .option('workers', {
        type: 'number',
        describe: 'worker processes, instead of the configured',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example('$0 publish /srv/debian --out /srv/www/deltas', 'safe to run from cron'),
  async handler(args) {
    const signal = interruptSignal();
    const reporter = makeReporter();
    const { workers } = args;
    if (workers !== undefined && !(Number.isInteger(workers) && workers >= 1 && workers <= 1024)) {
      throw new DebshoalError('usage', '--workers must be from 1 to 1024');
    }
    const config = await readConfig(homePaths(args.home).config);
    const report = await publish({
      archive: resolve(args.archive),
      out: resolve(args.out),
      home: resolve(args.home),
      config: { ...config, workers: workers ?? config.workers },
      only: {
        suites: args.suite ?? [],
        components: args.component ?? [],
        architectures: args.architecture ?? [],
      },
      now: new Date(),
      signal,
      report: reporter.report,
    });
    reporter.finish();
    console.log(args.json ? JSON.stringify(report) : describe(report));
  },
};

function describe(report: PublishReport): string {
  const { deltas, deltaBytes, fullBytes, publishedSuites } = report;
  const saved = `${formatBytes(deltaBytes)} instead of ${formatBytes(fullBytes)} (${formatPercent(deltaBytes, fullBytes)})`;
  return [
    `packages   ${report.packages}, ${report.newVersions} not seen before`,
    `deltas     ${deltas} new of ${report.pairs} pairs${deltas > 0 ? `: ${saved}` : ''}`,
    ...(report.rejected > 0 ? [`no delta   ${report.rejected} pairs`] : []),
    `published  ${publishedSuites.length > 0 ? publishedSuites.join(', ') : 'nothing, all is as it was'}`,
    `time       ${formatSeconds(report.seconds)}`,
  ].join('\n');
}
