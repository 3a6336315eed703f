import type { Argv, CommandModule } from 'yargs';

import { formatBytes, formatPercent, formatTable } from '../../shared/cli/format.js';
import { describeRecipe } from '../../shared/deb/recipe.js';
import { declaredMemory } from '../../shared/delta/delta.js';
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
    const { header, bytes, streams, kinds, made } = await describeDelta(args.delta);
    if (args.json) {
      const oldControlFiles = [...header.oldControlFiles];
      console.log(JSON.stringify({ ...header, oldControlFiles, bytes, made, kinds, streams }));
      return;
    }
    const recipes = header.parts.flatMap((part) =>
      part.kind === 'member'
        ? [
            `${part.name}.tar ${part.recipe ? describeRecipe(part.recipe) : 'without a recipe'} (${formatBytes(part.length)})`,
          ]
        : [],
    );
    const renamed = header.oldPackage === header.package ? '' : `${header.oldPackage} `;
    console.log(
      [
        `${header.package} ${header.architecture} ${renamed}${header.oldVersion} -> ${header.newVersion}`,
        `rebuilds  ${formatBytes(header.target.size)}, SHA256 ${header.target.sha256}`,
        `expanded  ${formatBytes(header.expanded.size)}, SHA256 ${header.expanded.sha256}`,
        `memory    up to ${formatBytes(header.memoryBytes)}, expanded ${formatBytes(declaredMemory(header, 'expanded'))}`,
        `members   ${recipes.join(', ')}`,
        `changed   ${formatBytes(made.matched)} predicted from old files, of which ${formatPercent(made.corrected, made.matched)} corrected; ${formatBytes(made.fresh)} new`,
        `kinds     ${kinds.map(({ name, packedBytes }) => `${name} ${packedBytes}`).join(', ')}`,
        '',
        formatTable(
          ['stream', 'coder', 'expanded', 'delta bytes', 'share'],
          streams.map((row) => [
            row.name,
            row.sharedBy > 1 ? `${row.coder} (with ${row.sharedBy - 1} others)` : row.coder,
            formatBytes(row.expandedBytes),
            String(row.packedBytes),
            formatPercent(row.packedBytes, bytes),
          ]),
        ),
        '',
        `total ${bytes} bytes`,
      ].join('\n'),
    );
  },
};
