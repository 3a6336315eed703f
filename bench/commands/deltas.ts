import type { Argv, CommandModule } from 'yargs';

import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { DebshoalError, EXIT_STATUS } from '../../shared/errors.js';
import { writeFileAtomically } from '../../shared/io/files.js';
import { nearestName } from '../../shared/nearest-name.js';
import { toMarkdown } from '../deltas/markdown.js';
import { measureDeltas, type DeltasReport } from '../deltas/measure-deltas.js';
import { DEBSHOAL, PEERS, type DeltaTool } from '../deltas/tools.js';
import { isInstalled } from '../measure/machine.js';
import { GNU_TIME } from '../measure/run-measured.js';
import { listPairs, PAIRS_OPTION } from '../pair-list.js';

interface DeltasArguments {
  pairs: string;
  only: string[] | undefined;
  peers: string;
  ours: boolean;
  'max-seconds': number;
  out: string | undefined;
  json: boolean;
}

const HELP = `$0 deltas

Makes and applies deltas with each tool on the same pairs, on one core where taskset is, and checks
every output. A tool that is not installed is named and left out; a pair or tool that fails is a row
with its error.

${[DEBSHOAL, ...PEERS].map(({ name, definition }) => `  ${name.padEnd(9)} ${definition}`).join('\n')}

Raw tars: control.tar and data.tar of a .deb, uncompressed, one after the other. CPU seconds are
those of a tool and all that it starts, memory is the largest resident set of one process, both from
GNU time. "Without recompression" is the whole of apply less what bit-exact compression took; tools
on raw tars never compress, debdelta cannot tell. Exit status: 16 when an output of ours differs, 52
when ours fails on a pair; what peers do changes nothing.`;

export const deltasCommand: CommandModule<object, DeltasArguments> = {
  command: 'deltas',
  describe: 'Measure deltas beside debdelta, xdelta3, bsdiff, zstd and HDiffPatch',
  builder: (yargs: Argv) =>
    yargs
      .usage(HELP)
      .option('pairs', PAIRS_OPTION)
      .option('only', { type: 'string', array: true, describe: 'names of pairs' })
      .option('peers', {
        type: 'string',
        default: PEERS.map(({ name }) => name).join(),
        describe: 'which, with commas; or none',
      })
      .option('ours', { type: 'boolean', default: true, describe: '--no-ours: peers alone' })
      .option('max-seconds', {
        type: 'number',
        default: 3600,
        describe: 'for one command of a tool; it fails when it takes longer',
      })
      .option('out', { type: 'string', describe: 'JSON file, written anew after each pair' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON, no tables' }),
  async handler(args) {
    const signal = interruptSignal();
    const tools = [...(args.ours ? [DEBSHOAL] : []), ...choosePeers(args.peers)];
    if (!(await isInstalled('time'))) {
      throw new DebshoalError('usage', `there is no ${GNU_TIME}`, {
        hint: 'install the package time',
      });
    }
    const pairs = (await listPairs(args.pairs)).filter(
      ({ name }) => args.only?.includes(name) ?? true,
    );
    const reporter = makeReporter();
    const { out } = args;
    const report = await measureDeltas(pairs, tools, {
      maxSeconds: args['max-seconds'],
      signal,
      report: reporter.report,
      ...(out !== undefined && {
        onPair: (soFar) => writeFileAtomically(out, `${JSON.stringify(soFar, null, 1)}\n`),
      }),
    });
    reporter.finish();
    console.log(args.json ? JSON.stringify(report) : toMarkdown(report));
    process.exitCode = exitStatus(report);
  },
};

function choosePeers(text: string): DeltaTool[] {
  if (text === 'none') return [];
  return text.split(',').map((name) => {
    const peer = PEERS.find((candidate) => candidate.name === name);
    if (peer !== undefined) return peer;
    const near = nearestName(
      name,
      PEERS.map((candidate) => candidate.name),
    );
    throw new DebshoalError('usage', `there is no peer ${name}`, {
      ...(near !== null && { hint: `did you mean ${near}?` }),
    });
  });
}

function exitStatus({ totals }: DeltasReport): number {
  const ours = totals.find(({ tool }) => tool === DEBSHOAL.name);
  if (ours === undefined) return 0;
  if (ours.inexact > 0) return EXIT_STATUS['hash-mismatch'];
  return ours.failed > 0 ? EXIT_STATUS['tool-failed'] : 0;
}
