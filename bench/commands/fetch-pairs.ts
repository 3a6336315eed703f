import { resolve } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { readBounded } from '../../shared/io/files.js';
import { fetchPairs } from '../fetch-pairs/fetch-pairs.js';
import { parsePairTable } from '../fetch-pairs/pair-table.js';
import { ownMirrors } from '../fetch-pairs/private-apt.js';

interface FetchPairsArguments {
  pairs: string;
  out: string;
  only: string[] | undefined;
  suites: string[] | undefined;
  components: string[];
  mirror: string | undefined;
  'security-mirror': string | undefined;
  json: boolean;
}

const MAX_TABLE_BYTES = 1 << 20;

export const fetchPairsCommand: CommandModule<object, FetchPairsArguments> = {
  command: 'fetch-pairs',
  describe: 'Fetch pairs of packages from a Debian archive, by exact version',
  builder: (yargs: Argv) =>
    yargs
      .usage(
        `$0 fetch-pairs --pairs TABLE --out FOLDER\n\nFetches into FOLDER/NAME/{old,new}.deb what a table like fixtures/pairs.tsv names, with a private apt: nothing of this machine's is read but its mirrors and Debian's keys. What the archive no longer has is named and left out; that is no failure.`,
      )
      .option('pairs', { type: 'string', demandOption: true, describe: 'the table, TSV' })
      .option('out', { type: 'string', demandOption: true, describe: 'folder of pairs' })
      .option('only', { type: 'string', array: true, describe: 'names of pairs' })
      .option('suites', {
        type: 'string',
        array: true,
        describe: 'suites to look in; those that the table names by default',
      })
      .option('components', { type: 'string', array: true, default: ['main'] })
      .option('mirror', { type: 'string', describe: 'URI; this machine’s by default' })
      .option('security-mirror', { type: 'string', describe: 'URI, for suites NAME-security' })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' }),
  async handler(args) {
    const signal = interruptSignal();
    const table = await readBounded(args.pairs, MAX_TABLE_BYTES);
    const pairs = parsePairTable(table.toString()).filter(
      ({ name }) => args.only?.includes(name) ?? true,
    );
    const { mirror: main, 'security-mirror': security } = args;
    const mirrors =
      main !== undefined && security !== undefined ? { main, security } : await ownMirrors(signal);
    const reporter = makeReporter();
    const report = await fetchPairs(pairs, resolve(args.out), {
      suites: args.suites,
      components: args.components,
      mirrors: { main: main ?? mirrors.main, security: security ?? mirrors.security },
      signal,
      report: reporter.report,
    });
    reporter.finish();
    if (args.json) {
      console.log(JSON.stringify(report));
      return;
    }
    const { fetched, present, gone } = report;
    console.log(`${fetched.length} fetched, ${present.length} present, ${gone.length} gone`);
    for (const { name, missing } of gone) console.log(`gone  ${name}: ${missing}`);
  },
};
