import type { Argv, CommandModule } from 'yargs';

import { formatBytes, formatPercent, formatSeconds } from '../../shared/cli/format.js';
import { exitOnInterrupt } from '../../shared/cli/run-cli.js';
import { CODINGS, type Coding } from '../../shared/delta/container.js';
import { diffDebs } from '../diff/diff-debs.js';

interface DiffArguments {
  old: string;
  new: string;
  out: string;
  coding: Coding;
  json: boolean;
}

export const diffCommand: CommandModule<object, DiffArguments> = {
  command: 'diff <old> <new> <out>',
  describe: 'Make the delta between two versions of a package and prove it by rebuilding',
  builder: (yargs: Argv) =>
    yargs
      .positional('old', { type: 'string', demandOption: true, describe: 'the old .deb' })
      .positional('new', { type: 'string', demandOption: true, describe: 'the new .deb' })
      .positional('out', { type: 'string', demandOption: true, describe: 'the delta to write' })
      .option('coding', {
        choices: CODINGS,
        default: 'fast' as const,
        describe: 'quick to apply, or a tenth smaller',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example('$0 diff git_1_amd64.deb git_2_amd64.deb git.delta', ''),
  async handler(args) {
    exitOnInterrupt();
    const { memoryBytes, ...report } = await diffDebs(args.old, args.new, args.out, {
      coding: args.coding,
    });
    const peakRssBytes = process.resourceUsage().maxRSS * 1024;
    if (args.json) {
      console.log(JSON.stringify({ ...report, memoryBytes, peakRssBytes }));
      return;
    }
    const { seconds, references } = report;
    console.log(
      [
        `${report.package} ${report.oldVersion} -> ${report.newVersion}`,
        `delta    ${formatBytes(report.deltaBytes)}, ${formatPercent(report.deltaBytes, report.newBytes)} of ${formatBytes(report.newBytes)}`,
        report.unreproducible === null
          ? 'proven   rebuilt bit for bit, and in its expanded form'
          : `proven   rebuilt in its expanded form only: ${report.unreproducible}`,
        `needs    up to ${formatBytes(memoryBytes)} of memory, expanded ${formatBytes(memoryBytes - report.encoderBytes)}`,
        `code     ${formatPercent(references.hits, references.hits + references.misses)} of ${references.hits + references.misses} references foreseen`,
        `time     ${formatSeconds(seconds.total)}: expand ${formatSeconds(seconds.expand)}, recipes ${formatSeconds(seconds.recipes)}, match ${formatSeconds(seconds.match)}, prove ${formatSeconds(seconds.prove)}`,
        `memory   ${formatBytes(peakRssBytes)} at most`,
      ].join('\n'),
    );
  },
};
