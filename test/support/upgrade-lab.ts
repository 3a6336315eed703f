import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { ToolResult } from '../../shared/io/run-tool.js';
import { exists } from '../../shared/io/files.js';
import { type Archive, makeArchive } from './archive.js';
import { type Chroot, makeChroot } from './chroot.js';
import { INSIDE, installClient, letAptFetchIndexes } from './client-inside.js';
import { fixturePair, type FixturePair } from './fixture-pairs.js';
import { serveWithLog, type HttpLog, type Misbehave } from './http-log.js';
import { generator, LAB_SUITE } from './lab.js';
import { homePaths } from '../../generator/home/home-paths.js';
import { resign, type ResignOptions } from './resign.js';

/** What a minimal system can install: tzdata has maintainer scripts, the font an epoch. */
const PAIRS = ['tzdata', 'fonts-opensymbol'].map(fixturePair);
const PACKAGING = fileURLToPath(new URL('../../packaging/', import.meta.url));
const USER = 'debshoal';
const SETTINGS = 'etc/debshoal';
/** What belongs to the daemon's user. */
const FOLDERS = ['var/lib/debshoal', 'var/cache/debshoal', 'run/debshoal'];

/** Another site than the archive's, with the same deltas. */
interface OwnSource {
  /** What its index says from now on, signed by its publisher. */
  resign(options: Omit<ResignOptions, 'privateKey'>): Promise<void>;
}

export interface InsideDaemon {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  /** Ends it, if it has not ended, by SIGKILL. */
  kill(): Promise<void>;
}

/**
 * A Debian with the old versions of two packages, whose archive has the new ones and their deltas;
 * debshoal is installed there as its package will do it. Needs root.
 */
export interface UpgradeLab {
  readonly chroot: Chroot;
  readonly pairs: readonly FixturePair[];
  readonly mirror: HttpLog;
  /** Until `restore`: what the mirror does instead of serving a file. */
  misbehave(how: Misbehave): void;
  /** The old versions again, nothing in apt's cache and the daemon's, everything of ours there. */
  restore(): Promise<void>;
  /** The real daemon, as a user of its own; waits until it is ready. */
  startDaemon(args?: readonly string[], env?: NodeJS.ProcessEnv): Promise<InsideDaemon>;
  /** Until `restore`: the index comes from a site in sources.d, and not through apt. */
  useOwnSource(): Promise<OwnSource>;
  apt(command: string, ...args: string[]): Promise<ToolResult>;
  /** Names of packages that the mirror was asked for whole, in order. */
  requestedDebs(): string[];
  /** Paths of packages that are not installed as in the archive, and leftovers of downloads. */
  defects(): Promise<string[]>;
  close(): Promise<void>;
}

export async function makeUpgradeLab(suite: 'bookworm' | 'trixie'): Promise<UpgradeLab> {
  const base = await mkdtemp(join(tmpdir(), '.debshoal-'));
  const out = join(base, 'out');
  const options = { suite: LAB_SUITE, architectures: ['amd64'], signed: true, deltas: out };
  const archive = await makeArchive(base, options);
  await publishUpgrade(archive, out, join(base, 'home'));
  let unruly: Misbehave | null = null;
  const mirror = await serveWithLog(archive.folder, (...args) => unruly?.(...args) ?? false);
  const chroot = await makeChroot(suite);
  await installClient(chroot);
  await installService(chroot);
  await copyFile(archive.keyFile ?? '', join(chroot.folder, 'etc/apt/lab.gpg'));
  for (const pair of PAIRS) await copyFile(pair.oldDeb, join(chroot.folder, `${pair.name}.deb`));
  const site = join(base, 'site');
  const siteServer = await serveWithLog(site);
  const daemons: InsideDaemon[] = [];
  const killAll = async (): Promise<void> => {
    for (const daemon of daemons.splice(0)) await daemon.kill();
  };
  return {
    chroot,
    pairs: PAIRS,
    mirror,
    misbehave: (how) => (unruly = how),
    restore: async () => {
      await killAll();
      unruly = null;
      await installMethod(chroot);
      await emptyFolders(chroot);
      await chroot.setSources(archive.sourceLine(mirror.url, '/etc/apt/lab.gpg'));
      await chroot.run('dpkg', ['-i', ...PAIRS.map((pair) => `/${pair.name}.deb`)]);
      await chroot.run('apt-get', ['-qq', 'clean']);
      // apt would keep a list that a test has changed.
      await rm(join(chroot.folder, 'var/lib/apt/lists'), { recursive: true, force: true });
      await chroot.run('apt-get', ['-qq', 'update']);
      mirror.forget();
    },
    startDaemon: async (args = [], env = {}) => {
      const daemon = await startDaemon(chroot, args, env);
      daemons.push(daemon);
      return daemon;
    },
    useOwnSource: async () => {
      const { signingKey, publicKey } = homePaths(join(base, 'home'));
      await rm(site, { recursive: true, force: true });
      await cp(out, site, { recursive: true });
      await letAptFetchIndexes(chroot, false);
      await chroot.run('apt-get', ['-qq', 'update']);
      const settings = join(chroot.folder, SETTINGS);
      await mkdir(join(settings, 'sources.d'), { recursive: true });
      await copyFile(publicKey, join(settings, 'lab.asc'));
      const fields = [`URIs: ${siteServer.url}`, `Suites: ${LAB_SUITE}`, 'Components: main'];
      const source = [...fields, `Signed-By: /${SETTINGS}/lab.asc`, ''].join('\n');
      await writeFile(join(settings, 'sources.d/lab.sources'), source);
      const privateKey = await readFile(signingKey, 'utf8');
      return { resign: (options) => resign(site, LAB_SUITE, { ...options, privateKey }) };
    },
    apt: (command, ...args) => chroot.run(command, args),
    requestedDebs: () =>
      mirror.requests
        .filter(({ path }) => path.endsWith('.deb'))
        .map(({ path }) => path.replace(/.*\/|_.*/g, '')),
    defects: () => defects(chroot),
    close: async () => {
      await killAll();
      await chroot.remove();
      await Promise.all([mirror.close(), siteServer.close()]);
      await rm(base, { recursive: true });
    },
  };
}

async function publishUpgrade(archive: Archive, out: string, home: string): Promise<void> {
  await generator('init', '--home', home, '--name', 'Lab', '--email', 'lab@example.org');
  const publish = (): Promise<unknown> =>
    generator('publish', archive.folder, '--out', out, '--home', home);
  await archive.add(PAIRS.map((pair) => pair.oldDeb));
  await publish();
  await archive.add(PAIRS.map((pair) => pair.newDeb));
  await publish();
  await archive.export();
  // An archive's own deltas are beside its pool.
  await symlink(join(out, 'deltas'), join(archive.folder, 'deltas'));
}

async function installService(chroot: Chroot): Promise<void> {
  await chroot.run('useradd', ['--system', '--user-group', USER]);
}

/** As the package does it, and `debshoal enable`. */
async function installMethod({ folder }: Chroot): Promise<void> {
  const targets = [
    ['apt-method', 'usr/lib/debshoal/apt-method'],
    ['apt.conf.d', 'usr/share/debshoal/apt.conf.d'],
  ] as const;
  for (const [from, to] of targets) {
    await rm(join(folder, to), { recursive: true, force: true });
    await cp(join(PACKAGING, from), join(folder, to), { recursive: true });
  }
  for (const name of await readdir(join(PACKAGING, 'apt.conf.d'))) {
    const link = join(folder, 'etc/apt/apt.conf.d', name);
    await rm(link, { force: true });
    await symlink(`/usr/share/debshoal/apt.conf.d/${name}`, link);
  }
}

async function emptyFolders(chroot: Chroot): Promise<void> {
  await rm(join(chroot.folder, SETTINGS), { recursive: true, force: true });
  for (const name of FOLDERS) {
    await rm(join(chroot.folder, name), { recursive: true, force: true });
    await chroot.run('install', ['-d', '-o', USER, '-g', USER, `/${name}`]);
  }
}

async function startDaemon(
  { folder }: Chroot,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<InsideDaemon> {
  const ready = join(folder, 'run/debshoal/ok');
  await rm(ready, { force: true });
  const program = [`--userspec=${USER}:${USER}`, folder, process.execPath];
  // The lab's link is fast: by time most packages would come whole.
  const service = [`${INSIDE}/dist/client/cli.js`, 'daemon', '--no-swarm', '--prefer', 'bytes'];
  const child = spawn('chroot', [...program, ...service, ...args], {
    // No user namespaces, and so no sandbox, in what the kernel knows for a chroot.
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C',
      DEBSHOAL_SANDBOX: 'preferred',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  // It may find out, and that soon, that asking is not worth it.
  while (!(await exists(ready)) && !/^ready$/m.test(stderr)) {
    if (child.exitCode !== null) throw new Error(`the daemon ended: ${stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    child,
    stderr: () => stderr,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function defects(chroot: Chroot): Promise<string[]> {
  const found: string[] = [];
  for (const pair of PAIRS) {
    const format = '${Version} ${db:Status-Status}';
    const { stdout } = await chroot.run('dpkg-query', ['-W', '-f', format, pair.package]);
    const [expected, actual] = [`${pair.newVersion} installed`, stdout.toString()];
    if (actual !== expected) found.push(`${pair.package}: ${actual}`);
  }
  const verified = await chroot.run('dpkg', ['--verify', ...PAIRS.map((pair) => pair.package)]);
  const partial = await readdir(join(chroot.folder, 'var/cache/apt/archives/partial'));
  return [...found, ...verified.stdout.toString().split('\n').filter(Boolean), ...partial];
}
