import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';

import { DebshoalError, isDebshoalError } from '../../shared/errors.js';
import { runTool, type ToolResult } from '../../shared/io/run-tool.js';
import type { ArchivedDeb } from './pair-table.js';

/** Where the suites are; each ends in the folder above `dists/`. */
export interface Mirrors {
  readonly main: string;
  readonly security: string;
}

export interface PrivateAptOptions {
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly mirrors: Mirrors;
  readonly signal: AbortSignal;
}

export interface PrivateApt {
  /** SHA-256 by the archive's signed index; null when it has no such version any more. */
  readonly sha256Of: (deb: ArchivedDeb) => Promise<string | null>;
  /** Downloads into a new folder, checked by apt, and gives the path. */
  readonly download: (deb: ArchivedDeb, folder: string) => Promise<string>;
}

const MAX_OUTPUT = 1 << 20;
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The mirrors of this machine's own apt sources; `usage` when it has none of Debian. */
export async function ownMirrors(signal: AbortSignal): Promise<Mirrors> {
  const format = ['indextargets', '--format', '$(RELEASE) $(REPO_URI)'];
  const only = ['Created-By: Packages', 'Origin: Debian'];
  const { stdout } = await runTool('apt-get', [...format, ...only], {
    maxOutput: MAX_OUTPUT,
    signal,
  });
  const targets = stdout.toString().trim().split('\n');
  const uriOf = (isSecurity: boolean): string => {
    const target = targets.find((line) => /^\S+-security /.test(line) === isSecurity);
    const uri = target?.split(' ')[1];
    if (uri !== undefined) return uri;
    throw new DebshoalError('usage', 'this machine’s apt knows no mirror of Debian', {
      hint: 'name them with --mirror and --security-mirror',
    });
  };
  return { main: uriOf(false), security: uriOf(true) };
}

/** An apt in `folder` that reads and changes nothing of this machine's but Debian's keys. */
export async function openPrivateApt(
  folder: string,
  options: PrivateAptOptions,
): Promise<PrivateApt> {
  const configuration = await writeConfiguration(folder, options);
  const env = { ...process.env, APT_CONFIG: configuration, LC_ALL: 'C' };
  const run = (tool: string, args: readonly string[], cwd = folder): Promise<ToolResult> =>
    runTool(tool, args, { maxOutput: MAX_OUTPUT, env, cwd, signal: options.signal });
  await run('apt-get', ['-qq', 'update']);
  return {
    async sha256Of(deb) {
      try {
        const { stdout } = await run('apt-cache', ['show', selector(deb)]);
        return /^SHA256: ([0-9a-f]{64})$/m.exec(stdout.toString())?.[1] ?? null;
      } catch (error) {
        if (isDebshoalError(error, 'tool-failed') && error.message.includes('E: ')) return null;
        throw error;
      }
    },
    async download(deb, into) {
      await mkdir(into);
      await run('apt-get', ['-qq', 'download', selector(deb)], into);
      const [name] = await readdir(into);
      if (name === undefined) throw new Error('apt-get download succeeded without a file');
      return join(into, name);
    },
  };
}

function selector(deb: ArchivedDeb): string {
  const architecture = deb.architecture === 'all' ? '' : `:${deb.architecture}`;
  return `${deb.package}${architecture}=${deb.version}`;
}

async function writeConfiguration(
  folder: string,
  { suites, components, architectures, mirrors }: PrivateAptOptions,
): Promise<string> {
  for (const name of ['etc/apt.conf.d', 'etc/preferences.d', 'lists/partial', 'archives/partial']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, 'status'), '');
  const sources = suites.map((suite) => {
    const mirror = suite.endsWith('-security') ? mirrors.security : mirrors.main;
    return `deb [signed-by=${KEYS}] ${mirror} ${suite} ${components.join(' ')}\n`;
  });
  await writeFile(join(folder, 'etc/sources.list'), sources.join(''));
  const settings = [
    ['Dir::Etc', join(folder, 'etc')],
    ['Dir::Etc::trustedparts', '/etc/apt/trusted.gpg.d'],
    ['Dir::State', folder],
    ['Dir::State::lists', join(folder, 'lists')],
    ['Dir::State::status', join(folder, 'status')],
    ['Dir::Cache', folder],
    ['APT::Architecture', architectures[0] ?? 'amd64'],
    ...architectures.map((name) => ['APT::Architectures::', name]),
    ['APT::Sandbox::User', userInfo().username],
    ['Acquire::Languages', 'none'],
    ['Acquire::Check-Valid-Until', 'false'],
  ];
  const path = join(folder, 'apt.conf');
  await writeFile(path, settings.map(([key, value]) => `${key} "${value}";\n`).join(''));
  return path;
}
