import { realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DebshoalError, isDebshoalError } from '../../shared/errors.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { runTool } from '../../shared/io/run-tool.js';
import { LIMITS } from '../../shared/limits.js';
import { architecturesOfRoot } from './root-architectures.js';

/** apt for one root folder: this machine's own system, a chroot, or a tree that looks like one. */
export interface AptSystem {
  /** Absolute path without symlinks. */
  readonly root: string;
  /** Native architecture, such as `amd64`. */
  readonly architecture: string;
  /** Runs one of apt's tools for this root; its standard output. Fails with `apt-failed`. */
  run(
    tool: 'apt-get' | 'apt-config',
    args: readonly string[],
    signal?: AbortSignal,
  ): Promise<string>;
  /**
   * The content of one of apt's list files, expanded when apt keeps it compressed. Fails with
   * `apt-failed` when it is missing or has more than `maxBytes`.
   */
  readList(path: string, maxBytes: number): Promise<Buffer>;
}

/**
 * Opens the apt of `root`. For another root than '/', this machine's apt reads that root's own
 * configuration, sources, lists and dpkg status; it needs no privileges and writes no cache there.
 * Fails with `apt-failed` when this machine has no apt or `root` is no folder.
 */
export async function openAptSystem(root: string): Promise<AptSystem> {
  const realRoot = await realpath(root).catch((cause: unknown) => {
    throw new DebshoalError('apt-failed', `no such folder: ${root}`, { cause });
  });
  if (realRoot === '/') {
    const architecture = await run('apt-config', ['shell', 'A', 'APT::Architecture']);
    return { root: realRoot, architecture: shellValue(architecture), run, readList };
  }
  // apt's configuration syntax has no escape for these inside a quoted word.
  if (/["\n]/.test(realRoot)) {
    throw new DebshoalError('config-invalid', `apt cannot name this folder: ${root}`);
  }
  const architectures = await architecturesOfRoot(realRoot);
  const options = optionsFor(realRoot, architectures);
  const runInRoot: AptSystem['run'] = (tool, args, signal) =>
    withTemporaryFolder(async (folder) => {
      // Only what must be known before apt.conf.d is looked for is in a file: apt reads APT_CONFIG
      // first, then the files below Dir, then the command line, which so has the last word.
      const config = join(folder, 'apt.conf');
      await writeFile(config, `Dir "${realRoot}";\n`);
      return await run(tool, [...options, ...args], signal, { APT_CONFIG: config });
    });
  const native = await runInRoot('apt-config', ['shell', 'A', 'APT::Architecture']);
  return { root: realRoot, architecture: shellValue(native), run: runInRoot, readList };
}

function optionsFor(root: string, architectures: readonly string[]): string[] {
  const settings = [
    // The default is absolute, so Dir alone would leave it this machine's.
    `Dir::State::status=${join(root, 'var/lib/dpkg/status')}`,
    // Another version's cache files are of no use to the root's own apt.
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
  ];
  const [native] = architectures;
  if (native !== undefined) {
    settings.push(`APT::Architecture=${native}`);
    // Otherwise apt asks this machine's dpkg for the foreign ones.
    settings.push(...architectures.map((name) => `APT::Architectures::=${name}`));
  }
  return settings.flatMap((setting) => ['-o', setting]);
}

async function run(
  tool: string,
  args: readonly string[],
  signal?: AbortSignal,
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const options = { maxOutput: LIMITS.aptOutputBytes, environment };
  return (await runAptTool(tool, args, options, signal)).toString();
}

function readList(path: string, maxBytes: number): Promise<Buffer> {
  const options = { maxOutput: maxBytes, environment: {} };
  return runAptTool('/usr/lib/apt/apt-helper', ['cat-file', path], options);
}

async function runAptTool(
  tool: string,
  args: readonly string[],
  { maxOutput, environment }: { maxOutput: number; environment: NodeJS.ProcessEnv },
  signal?: AbortSignal,
): Promise<Buffer> {
  try {
    const { stdout } = await runTool(tool, args, {
      maxOutput,
      env: { ...process.env, ...environment, LC_ALL: 'C' },
      ...(signal === undefined ? {} : { signal }),
    });
    return stdout;
  } catch (error) {
    if (!isDebshoalError(error, 'tool-failed')) throw error;
    const missing = error.cause instanceof Error;
    const hint = missing ? 'this needs the tools of Debian’s package apt' : undefined;
    throw new DebshoalError('apt-failed', error.message, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/**
 * The value in a line of `apt-config shell NAME KEY`, `NAME='value'` with `'` written as `'\''`;
 * empty when the key is not set.
 */
export function shellValue(output: string): string {
  const value = /^[A-Z]+='(.*)'\n?$/s.exec(output)?.[1] ?? '';
  return value.replaceAll("'\\''", "'");
}
