import type { Argv, CommandModule } from 'yargs';

import { formatPercent, formatSeconds, formatTable } from '../../shared/cli/format.js';
import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { DebshoalError } from '../../shared/errors.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { listPairs, PAIRS_OPTION } from '../pair-list.js';
import { fitWork, type FittedWork } from '../predict/fit-work.js';
import { measureWork, type MeasuredWork } from '../predict/measure-work.js';
import { tryPredictions, type TrialResult } from '../predict/trial.js';

interface PredictArguments {
  pairs: string;
  deltas: string | undefined;
  learned: number;
  json: boolean;
}

const HELP = `$0 predict

Compares what the index foresees of rebuilding with what it takes here: makes the deltas, rebuilds by
each in one process, and measures CPU seconds, so that other work on the machine matters little. Then
lets a client learn from some of the packages, in a hundred random orders, and predict the others.
Last come the constants of generator/diff/estimate-decoding.ts and estimate-compression.ts, fitted
anew to these pairs: whoever made decoding faster takes them over. Delete the deltas when they
change, too: with --deltas those that are there are not made again.`;

export const predictCommand: CommandModule<object, PredictArguments> = {
  command: 'predict',
  describe: 'Measure how well the seconds of rebuilding are foreseen',
  builder: (yargs: Argv) =>
    yargs
      .usage(HELP)
      .option('pairs', PAIRS_OPTION)
      .option('deltas', { type: 'string', describe: 'folder to keep the deltas in' })
      .option('learned', {
        type: 'number',
        default: 10,
        describe: 'packages that a client has rebuilt before it predicts',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  async handler({ deltas, learned, json, ...args }) {
    const pairs = await listPairs(args.pairs);
    if (!Number.isInteger(learned) || learned < 0 || learned >= pairs.length) {
      throw new DebshoalError('usage', `--learned is below the number of pairs, ${pairs.length}`);
    }
    const reporter = makeReporter();
    const options = { signal: interruptSignal(), report: reporter.report };
    const measured = await withTemporaryFolder((folder) =>
      measureWork(pairs, { ...options, folder: deltas ?? folder }),
    );
    reporter.finish();
    const trials = [
      await tryPredictions(measured, 'exact', learned),
      await tryPredictions(measured, 'expanded', learned),
    ];
    const fitted = fitWork(measured);
    console.log(
      json ? JSON.stringify({ measured, trials, fitted }) : describe(measured, trials, fitted),
    );
  },
};

function describe(
  measured: readonly MeasuredWork[],
  trials: readonly TrialResult[],
  fitted: FittedWork,
): string {
  const table = formatTable(
    ['pair', 'decoding', 'foreseen', 'compressing', 'foreseen'],
    measured.map(({ name, work, seconds }) => [
      name,
      formatSeconds(seconds.decode),
      formatSeconds(work.decode / 1000),
      formatSeconds(seconds.compress),
      formatSeconds(work.compress / 1000),
    ]),
  );
  const errors = trials.map(
    ({ form, learned, medianError, mostErrors }) =>
      `${form}: after ${learned} packages the median error is ${formatPercent(medianError, 1)}, nine in ten are below ${formatPercent(mostErrors, 1)}`,
  );
  const constants = Object.entries(fitted).map(
    ([name, prices]) => `${name}, fitted here, in nanoseconds: ${JSON.stringify(prices)}`,
  );
  return [table, '', ...errors, '', ...constants].join('\n');
}
