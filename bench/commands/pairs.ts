import type { Argv, CommandModule } from 'yargs';

import { interruptSignal } from '../../shared/cli/run-cli.js';
import { listPairs, measurePair, type PairResult } from '../pairs/measure-pair.js';
import { FIXTURE_PAIRS_FOLDER } from '../fixtures-folder.js';

interface PairsArguments {
  folder: string;
  only: string[] | undefined;
  json: boolean;
}

export const pairsCommand: CommandModule<object, PairsArguments> = {
  command: 'pairs [folder]',
  describe: 'Measure diff and apply on pairs NAME/{old,new}.deb, beside debdelta',
  builder: (yargs: Argv) =>
    yargs
      .positional('folder', {
        type: 'string',
        default: FIXTURE_PAIRS_FOLDER,
        describe: 'folder of pairs; the shipped fixtures by default',
      })
      .option('only', { type: 'string', array: true, describe: 'names of pairs' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON, no table' }),
  async handler({ folder, only, json }) {
    const signal = interruptSignal();
    const pairs = (await listPairs(folder)).filter(({ name }) => only?.includes(name) ?? true);
    if (!json) console.log(HEADER);
    const results: PairResult[] = [];
    for (const pair of pairs) {
      const result = await measurePair(pair, signal);
      results.push(result);
      if (!json) console.log(row(result));
    }
    console.log(json ? JSON.stringify(results) : total(results));
    if (results.some((result) => !result.exact)) process.exitCode = 1;
  },
};

const HEADER = [
  '| pair | .deb | delta | debdelta | ratio | diff s | debdelta s | rebuild s | of it xz | diff MB | rebuild MB | exact |',
  '|---|---|---|---|---|---|---|---|---|---|---|---|',
].join('\n');

function row(result: PairResult): string {
  const { debdeltaBytes, debdeltaSeconds } = result;
  const cells = [
    result.name,
    result.fullBytes,
    result.deltaBytes,
    debdeltaBytes ?? 'not installed',
    debdeltaBytes === null ? '-' : (result.deltaBytes / debdeltaBytes).toFixed(2),
    result.diffSeconds.toFixed(2),
    debdeltaSeconds === null ? '-' : debdeltaSeconds.toFixed(2),
    result.rebuildSeconds.toFixed(2),
    result.recompressSeconds.toFixed(2),
    Math.round(result.diffPeakBytes / 1e6),
    Math.round(result.rebuildPeakBytes / 1e6),
    result.exact ? 'yes' : 'NO',
  ];
  return `| ${cells.join(' | ')} |`;
}

function total(results: readonly PairResult[]): string {
  const sum = (of: (result: PairResult) => number): number =>
    results.reduce((all, result) => all + of(result), 0);
  return row({
    name: 'all',
    fullBytes: sum((result) => result.fullBytes),
    deltaBytes: sum((result) => result.deltaBytes),
    debdeltaBytes: results.some((result) => result.debdeltaBytes === null)
      ? null
      : sum((result) => result.debdeltaBytes ?? 0),
    diffSeconds: sum((result) => result.diffSeconds),
    debdeltaSeconds: results.some((result) => result.debdeltaSeconds === null)
      ? null
      : sum((result) => result.debdeltaSeconds ?? 0),
    rebuildSeconds: sum((result) => result.rebuildSeconds),
    recompressSeconds: sum((result) => result.recompressSeconds),
    diffPeakBytes: Math.max(...results.map((result) => result.diffPeakBytes)),
    rebuildPeakBytes: Math.max(...results.map((result) => result.rebuildPeakBytes)),
    exact: results.every((result) => result.exact),
  });
}
