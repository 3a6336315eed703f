import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { formatBytes, formatSeconds } from '../../shared/cli/format.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { DEB_FORMS, type DebForm } from '../../shared/deb/deb-forms.js';
import { readDeltaHeader } from '../../shared/delta/container.js';
import { formOf } from '../../shared/delta/delta.js';
import { openOldDeb } from '../../shared/delta/old-deb.js';
import { rebuildDeb } from '../../shared/delta/rebuild.js';
import { DebshoalError } from '../../shared/errors.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { openInstalledSource } from '../apt/installed-source.js';

interface ApplyArguments {
  delta: string;
  out: string;
  old: string | undefined;
  root: string | undefined;
  form: DebForm;
  json: boolean;
}

export const applyCommand: CommandModule<object, ApplyArguments> = {
  command: 'apply <delta> <out>',
  describe: 'Rebuild a .deb from a delta and the old package, installed or as a file',
  builder: (yargs: Argv) =>
    yargs
      .positional('delta', { type: 'string', demandOption: true, describe: 'a delta file' })
      .positional('out', { type: 'string', demandOption: true, describe: 'the .deb to write' })
      .option('old', { type: 'string', describe: 'the old .deb' })
      .option('root', { type: 'string', describe: 'system where the old version is installed' })
      .conflicts('old', 'root')
      .option('form', {
        choices: DEB_FORMS,
        default: 'exact' as const,
        describe: 'the .deb as it was published, or with uncompressed members: quick to make',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example('$0 apply git.delta git_2_amd64.deb --old git_1_amd64.deb', '')
      .example('$0 apply git.delta git_2_amd64.deb --root /', 'from the installed files')
      .example('$0 apply git.delta git.deb --root / --form expanded', 'without running xz'),
  async handler(args) {
    const { header, size } = await readDeltaHeader(args.delta);
    const { seconds, oldBytes } = await apply(args, {
      package: header.oldPackage,
      architecture: header.architecture,
      version: header.oldVersion,
    });
    const result = {
      package: header.package,
      oldVersion: header.oldVersion,
      newVersion: header.newVersion,
      oldBytes,
      newBytes: formOf(header, args.form).size,
      form: args.form,
      deltaBytes: size,
      seconds,
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    };
    if (args.json) {
      console.log(JSON.stringify(result));
      return;
    }
    console.log(
      [
        `${args.out}: ${header.package} ${header.newVersion}, ${formatBytes(result.newBytes)}, ${args.form}, verified`,
        `time     ${formatSeconds(seconds.total)}, of which compressing ${formatSeconds(seconds.compress)}`,
        `memory   ${formatBytes(result.peakRssBytes)} at most`,
      ].join('\n'),
    );
  },
};

type Identity = Parameters<typeof openInstalledSource>[1];

async function apply(
  { delta, out, old, root, form }: ApplyArguments,
  identity: Identity,
): Promise<{
  seconds: Awaited<ReturnType<typeof rebuildDeb>>['seconds'];
  oldBytes: number | null;
}> {
  const options = { form, signal: interruptSignal() };
  const target = resolve(out);
  if (root !== undefined) {
    const installed = await openInstalledSource(resolve(root), identity);
    return { ...(await rebuildDeb(delta, installed, target, options)), oldBytes: null };
  }
  if (old === undefined) {
    throw new DebshoalError('usage', 'give the old package with --old or --root');
  }
  return withTemporaryFolder(async (folder) => {
    const oldDeb = await openOldDeb(old, join(folder, 'image'));
    try {
      const { seconds } = await rebuildDeb(delta, oldDeb, target, options);
      return { seconds, oldBytes: (await stat(old)).size };
    } finally {
      await oldDeb.close();
    }
  });
}
