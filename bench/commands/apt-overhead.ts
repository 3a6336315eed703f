import type { Argv, CommandModule } from 'yargs';

import { formatBytes, formatSeconds, formatTable } from '../../shared/cli/format.js';
import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { measureOverhead } from '../apt-overhead/apt-overhead.js';

interface OverheadArguments {
  packages: number;
  size: number;
  runs: number;
  json: boolean;
}

const HELP = `$0 apt-overhead

What debshoal costs when there is nothing to gain: apt downloads the same packages from a mirror on
this machine, by turns with our method and a daemon that knows no delta, and without.`;

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
    const row = (name: string, seconds: readonly number[]): string[] => {
      const sorted = seconds.toSorted((a, b) => a - b);
      const at = (part: number): string =>
        formatSeconds(sorted[Math.floor(part * (runs - 1))] ?? 0);
      return [name, at(0), at(0.5), at(1)];
    };
    const rows = [row('without', report.without), row('with', report.with)];
    console.log(`${packages} packages of ${formatBytes(size)}, ${runs} runs of each:\n`);
    console.log(formatTable(['debshoal', 'fastest', 'median', 'slowest'], rows));
    console.log(`\n${report.ratio.toFixed(3)} times as long with it`);
  },
};
