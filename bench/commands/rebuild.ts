import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { DebshoalError, EXIT_STATUS } from '../../shared/errors.js';
import { writeFileAtomically } from '../../shared/io/files.js';
import { DEBDELTA } from '../deltas/tools.js';
import { isInstalled } from '../measure/machine.js';
import { listPairs, PAIRS_OPTION } from '../pair-list.js';
import { toMarkdown } from '../rebuild/markdown.js';
import { measureRebuild } from '../rebuild/measure-rebuild.js';
import { toPage } from '../rebuild/page/page.js';
import type { RebuildReport } from '../rebuild/results.js';

interface RebuildArguments {
  pairs: string;
  only: string[] | undefined;
  set: 'no' | 'also' | 'only';
  debdelta: boolean;
  runs: number;
  deltas: string | undefined;
  'max-seconds': number;
  report: string | undefined;
  json: boolean;
}

const HELP = `$0 rebuild

Measures what it takes to have the new .deb of each pair: the full download, a delta rebuilt exactly,
a delta rebuilt in expanded form, and debdelta's delta with debpatch; beside them xz -6 -T2 on the
same data.tar alone. Everything runs on one core, then on two.

Ours are rebuilt as debshoal fetch does: from the files of the old version, installed in a scratch
root, by a worker process that stays alive; its start-up is a row of its own. debpatch is a new
process that takes the old .deb. CPU seconds are user and system time of a process and of all that it
starts. The seconds that are set against saved bytes are CPU seconds on one core, wall-clock seconds
on two. Peak memory is the largest resident set, of an expanded rebuild that of the first one in a
new process. Exit status: 52 when ours fails on a pair.`;

export const rebuildCommand: CommandModule<object, RebuildArguments> = {
  command: 'rebuild',
  describe: 'Measure rebuilding beside downloading, xz and debdelta',
  builder: (yargs: Argv) =>
    yargs
      .usage(HELP)
      .option('pairs', PAIRS_OPTION)
      .option('only', { type: 'string', array: true, describe: 'names of pairs' })
      .option('set', {
        choices: ['no', 'also', 'only'] as const,
        default: 'no' as const,
        describe: 'rebuild all pairs at once with the workers of fetch, on two cores',
      })
      .option('debdelta', {
        type: 'boolean',
        default: true,
        describe: '--no-debdelta: ours alone',
      })
      .option('runs', {
        type: 'number',
        default: 1,
        describe: 'how often; that with the least CPU time counts',
      })
      .option('deltas', {
        type: 'string',
        describe: 'folder where made deltas are kept, and taken from in the next run',
      })
      .option('max-seconds', {
        type: 'number',
        default: 3600,
        describe: 'for one command; it fails when it takes longer',
      })
      .option('report', {
        type: 'string',
        describe: 'folder for index.html with plots and report.json, written after each pair',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON, no tables' })
      .check(({ runs }) => {
        if (Number.isInteger(runs) && runs > 0) return true;
        throw new DebshoalError('usage', '--runs takes a number from 1');
      }),
  async handler(args) {
    const signal = interruptSignal();
    await requirePrograms(['time', 'taskset', 'xz']);
    const pairs = (await listPairs(args.pairs)).filter(
      ({ name }) => args.only?.includes(name) ?? true,
    );
    const withDebdelta = args.debdelta && (await areInstalled(DEBDELTA.programs));
    const { deltas = null, report: folder } = args;
    for (const path of [deltas, folder]) if (path) await mkdir(path, { recursive: true });
    const reporter = makeReporter();
    if (args.debdelta && !withDebdelta) {
      reporter.report({ kind: 'warning', text: 'debdelta is left out: it is not installed' });
    }
    const report = await measureRebuild(pairs, {
      set: args.set,
      withDebdelta,
      runs: args.runs,
      deltas,
      maxSeconds: args['max-seconds'],
      signal,
      report: reporter.report,
      ...(folder !== undefined && { onPair: (soFar) => writeReport(folder, soFar) }),
    });
    reporter.finish();
    console.log(args.json ? JSON.stringify(report) : toMarkdown(report));
    const ours = report.pairs.flatMap(({ routes }) => [routes.exact, routes.expanded]);
    if (ours.some(({ kind }) => kind === 'failed')) process.exitCode = EXIT_STATUS['tool-failed'];
  },
};

async function writeReport(folder: string, report: RebuildReport): Promise<void> {
  await writeFileAtomically(join(folder, 'report.json'), `${JSON.stringify(report, null, 1)}\n`);
  await writeFileAtomically(join(folder, 'index.html'), toPage(report));
}

async function areInstalled(programs: readonly string[]): Promise<boolean> {
  for (const program of programs) if (!(await isInstalled(program))) return false;
  return true;
}

async function requirePrograms(programs: readonly string[]): Promise<void> {
  for (const program of programs) {
    if (await isInstalled(program)) continue;
    throw new DebshoalError('usage', `there is no ${program}`, {
      hint: 'install the packages time, util-linux and xz-utils',
    });
  }
}
