import { join, resolve } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { diffDebs } from '../../generator/diff/diff-debs.js';
import { formatBytes, formatSeconds } from '../../shared/cli/format.js';
import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { DebshoalError } from '../../shared/errors.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { fuzz, type FuzzReport } from '../fuzz/fuzz.js';
import { listPairs, PAIRS_OPTION, type Pair } from '../pair-list.js';

interface FuzzArguments {
  pairs: string;
  only: string[];
  runs: number;
  from: number;
  seed: number;
  workers: number;
  'max-seconds': number;
  'max-memory': number;
  keep: string | undefined;
  json: boolean;
}

const HELP = `$0 fuzz

Makes deltas of the pairs, changes them in all kinds of ways, most of them in their expanded streams
and nearly all with a checksum that fits again, and rebuilds from each such mutant in a process of limited time and memory. A mutant must be refused
with a code that a delta may cause, or lead to exactly the new .deb, and leave no file behind; all
else is a finding. The same seed makes the same mutants: --seed S --from N --runs 1 repeats one.
Each pair lends stretches of its delta to the mutants of the others.

Exit status: 1 when there are findings.`;

export const fuzzCommand: CommandModule<object, FuzzArguments> = {
  command: 'fuzz',
  describe: 'Rebuild from deltas that were changed, and expect refusals',
  builder: (yargs: Argv) =>
    yargs
      .usage(HELP)
      .option('pairs', PAIRS_OPTION)
      .option('only', { type: 'string', array: true, default: ['php8.2-pspell', 'libgd-tools'] })
      .option('runs', { type: 'number', default: 10_000, describe: 'mutants for each pair' })
      .option('from', { type: 'number', default: 0, describe: 'number of the first mutant' })
      .option('seed', { type: 'number', default: 1 })
      .option('workers', { type: 'number', default: 1, describe: 'processes at a time' })
      .option('max-seconds', {
        type: 'number',
        default: 20,
        describe: 'of the processor, for one mutant',
      })
      .option('max-memory', { type: 'number', default: 3e9, describe: 'bytes for one process' })
      .option('keep', { type: 'string', describe: 'folder for the mutants of findings' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  async handler(args) {
    const signal = interruptSignal();
    for (const option of ['runs', 'from', 'workers'] as const) {
      if (Number.isSafeInteger(args[option]) && args[option] >= (option === 'from' ? 0 : 1))
        continue;
      throw new DebshoalError('usage', `--${option} ${args[option]} is no such number`);
    }
    const pairs = (await listPairs(args.pairs)).filter(({ name }) => args.only.includes(name));
    if (pairs.length === 0) throw new DebshoalError('usage', 'there is no such pair');
    const reporter = makeReporter();
    const reports = await withTemporaryFolder(async (folder) => {
      const deltas = await makeDeltas(pairs, folder);
      const all: Record<string, FuzzReport> = {};
      for (const [index, { name, oldDeb, newDeb }] of pairs.entries()) {
        reporter.report({ kind: 'phase', name: `mutants of ${name}` });
        const others = deltas.filter((_delta, other) => other !== index);
        const target = { oldDeb, newDeb, delta: deltas[index] ?? '', others };
        all[name] = await fuzz(target, {
          seed: args.seed,
          from: args.from,
          runs: args.runs,
          workers: args.workers,
          limits: { seconds: args['max-seconds'], rssBytes: args['max-memory'] },
          keep: args.keep === undefined ? null : resolve(args.keep, name),
          signal,
          report: reporter.report,
        });
      }
      return all;
    });
    reporter.finish();
    console.log(args.json ? JSON.stringify(reports) : describe(reports));
    if (Object.values(reports).some(({ findings }) => findings.length > 0)) process.exitCode = 1;
  },
};

async function makeDeltas(pairs: readonly Pair[], folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const [index, { oldDeb, newDeb }] of pairs.entries()) {
    const path = join(folder, `${index}.delta`);
    await diffDebs(oldDeb, newDeb, path);
    paths.push(path);
  }
  return paths;
}

function describe(reports: Readonly<Record<string, FuzzReport>>): string {
  return Object.entries(reports)
    .map(([name, { runs, seconds, counts, findings, slowest, peakRssBytes }]) => {
      const rate = `${(runs / seconds).toFixed(0)} a second`;
      const outcomes = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
      return [
        `${name}: ${runs} mutants, ${rate}: ${outcomes.join(', ')}`,
        `slowest ${slowest === null ? '-' : `${formatSeconds(slowest.seconds)} (mutant ${slowest.number})`}, memory ${formatBytes(peakRssBytes)} at most, ${findings.length} findings`,
        ...findings.map(({ number, kind, detail }) => `  ${number} ${kind} ${detail}`),
      ].join('\n');
    })
    .join('\n');
}
