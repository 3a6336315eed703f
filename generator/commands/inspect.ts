import type { Argv, CommandModule } from 'yargs';

import { formatBytes, formatPercent, formatTable } from '../../shared/cli/format.js';
import { describeRecipe } from '../../shared/deb/recipe.js';
import { describeDelta } from '../../shared/delta/describe-delta.js';

interface InspectArguments {
  delta: string;
  json: boolean;
}

export const inspectCommand: CommandModule<object, InspectArguments> = {
  command: 'inspect <delta>',
  describe: 'Show what is in a delta and where its bytes went',
  builder: (yargs: Argv) =>
    yargs
      .positional('delta', { type: 'string', demandOption: true, describe: 'a delta file' })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' }),
  async handler(args) {
    const { header, ...rest } = await describeDelta(args.delta);
    if (args.json) {
      const { operations, sources, ...identity } = header;
      const counts = { operations: operations.length, sources: sources.length };
      console.log(JSON.stringify({ ...identity, ...counts, ...rest }));
      return;
    }
    const recipes = header.parts.flatMap((part) =>
      part.kind === 'member'
        ? [`${describeRecipe(part.recipe)} (${formatBytes(part.length)})`]
        : [],
    );
    console.log(
      [
        `${header.package} ${header.architecture} ${header.oldVersion} -> ${header.newVersion}`,
        `rebuilds  ${formatBytes(header.target.size)}, SHA256 ${header.target.sha256}`,
        `from      ${header.sources.length} old files, with up to ${formatBytes(header.memoryBytes)} of memory`,
        `members   ${recipes.join(', ')}`,
        '',
        formatTable(
          ['made by', 'files', 'content', 'delta bytes', 'share'],
          rest.methods.map((row) => [
            row.name,
            String(row.operations),
            formatBytes(row.contentBytes),
            String(row.deltaBytes),
            formatPercent(row.deltaBytes, rest.bytes.total),
          ]),
        ),
        '',
        `header ${rest.bytes.header}, literals ${rest.bytes.literals}, patches ${rest.bytes.patches}, total ${rest.bytes.total} bytes`,
      ].join('\n'),
    );
  },
};
