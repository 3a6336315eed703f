import type { Argv, CommandModule } from 'yargs';

import { formatBytes, formatSeconds, formatTable } from '../../shared/cli/format.js';
import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { KINDS, measureOverhead, type Kind } from '../apt-overhead/apt-overhead.js';

interface OverheadArguments {
  packages: number;
  size: number;
  runs: number;
  json: boolean;
}

const HELP = `$0 apt-overhead

What debshoal costs when there is nothing to gain: apt downloads the same packages from a mirror on
this machine, by turns without us; with a daemon that knows no delta from what is installed, so that
apt's own method is run at once; with one that has deltas of other packages, and a list of them; and
with one that has just begun, and is asked for each package in vain.`;

export const aptOverheadCommand: CommandModule<object, OverheadArguments> = {
  command: 'apt-overhead',
  describe: 'Measure what apt’s downloads cost through debshoal without any delta',
  builder: (yargs: Argv) =>
    yargs
      .usage(HELP)
      .option('packages', { type: 'number', default: 100, describe: 'how many are pending' })
      .option('size', { type: 'number', default: 60_000, describe: 'bytes of each' })
      .option('runs', { type: 'number', default: 20, describe: 'downloads of each kind' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  async handler({ packages, size, runs, json }) {
    const reporter = makeReporter();
    const options = { signal: interruptSignal(), report: reporter.report };
    const report = await measureOverhead({ packages, size, runs, ...options });
    reporter.finish();
    if (json) {
      console.log(JSON.stringify(report));
      return;
    }
    const { without } = report;
    const rows = KINDS.map((kind) => {
      const { wall, cpu } = report[kind];
      const seconds = [quantile(wall, 0), quantile(wall, 0.5), mean(cpu)];
      const ratios = [
        quantile(wall, 0.5) / quantile(without.wall, 0.5),
        mean(cpu) / mean(without.cpu),
      ];
      return [NAMES[kind], ...seconds.map(formatSeconds), ...ratios.map((one) => one.toFixed(3))];
    });
    console.log(`${packages} packages of ${formatBytes(size)}, ${runs} runs of each:\n`);
    console.log(formatTable(HEADER, rows));
  },
};

const HEADER = ['debshoal', 'fastest', 'median', 'processor', 'ratio', 'of processor'];
const NAMES: Readonly<Record<Kind, string>> = {
  without: 'not enabled',
  idle: 'no delta of anything',
  others: 'deltas, but of others',
  asked: 'asked in vain',
};

function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(part * (values.length - 1))] ?? 0;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
