import { mkdir, mkdtemp, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runTool, type ToolResult } from '../../shared/io/run-tool.js';
import { hostMirror } from './host-mirror.js';

const MAX_OUTPUT = 16 * 1024 * 1024;
/** Several systems of 200 MB at once. */
const ROOM = 4 * 1024 ** 3;
const CACHE = join(tmpdir(), 'debshoal-test-chroots');

/** A minimal Debian in a folder; needs root. */
export interface Chroot {
  readonly folder: string;
  /** Runs a program inside, without a shell, LC_ALL=C; see runTool for errors. */
  run(
    command: string,
    args: readonly string[],
    acceptStatus?: readonly number[],
  ): Promise<ToolResult>;
  /** Makes `line` the only package source. */
  setSources(line: string): Promise<void>;
  /** Removes it, unmounting first whatever is mounted inside. */
  remove(): Promise<void>;
}

/**
 * A fresh copy of a debootstrapped `suite` (variant minbase) from this machine's own mirror. The
 * first call makes it (half a minute), in a cache that lives for a day and is shared by all test
 * processes.
 */
export async function makeChroot(suite: 'bookworm' | 'trixie'): Promise<Chroot> {
  const original = await bootstrapped(suite);
  const folder = await mkdtemp(join(await fastFolder(), `.debshoal-chroot-${suite}-`));
  await runTool('cp', ['-a', '--reflink=auto', `${original}/.`, folder], { maxOutput: MAX_OUTPUT });
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C',
    DEBIAN_FRONTEND: 'noninteractive',
  };
  return {
    folder,
    run: (command, args, acceptStatus = [0]) =>
      runTool('chroot', [folder, command, ...args], { maxOutput: MAX_OUTPUT, env, acceptStatus }),
    setSources: async (line) => {
      await rm(join(folder, 'etc/apt/sources.list.d'), { recursive: true, force: true });
      await mkdir(join(folder, 'etc/apt/sources.list.d'));
      await writeFile(join(folder, 'etc/apt/sources.list'), line);
    },
    remove: () => removeTree(folder),
  };
}

/** Memory when there is plenty: a system is 7,000 small files, seconds on a slow disk. */
async function fastFolder(): Promise<string> {
  const memory = '/dev/shm';
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  const options = mounts
    .split('\n')
    .find((line) => line.split(' ')[4] === memory)
    ?.split(' ')[5];
  if (options === undefined || /nodev|noexec|nosuid/.test(options)) return tmpdir();
  const { bavail, bsize } = await statfs(memory);
  return bavail * bsize > ROOM ? memory : tmpdir();
}

/** Removes a tree, but never through a mount: those are taken away first, innermost first. */
export async function removeTree(folder: string): Promise<void> {
  const mounts = async (): Promise<string[]> =>
    (await readFile('/proc/self/mountinfo', 'utf8'))
      .split('\n')
      // proc_pid_mountinfo(5): field 5 is the mount point, with octal escapes.
      .map((line) => (line.split(' ')[4] ?? '').replaceAll('\\040', ' '))
      .filter((point) => point === folder || point.startsWith(`${folder}/`));
  for (const point of (await mounts()).reverse()) {
    // Lazily: a process that still sits inside shall not keep the tree alive.
    await runTool('umount', ['--lazy', point], { maxOutput: MAX_OUTPUT });
  }
  const left = await mounts();
  if (left.length > 0) throw new Error(`still mounted: ${left.join(' ')}`);
  await rm(folder, { recursive: true, force: true });
}

const BOOTSTRAP = `
set -eu
suite=$1 mirror=$2 target=$3
# Another process made it while this one waited for the lock.
[ -d "$target" ] && exit 0
rm -rf "$target.new"
debootstrap --variant=minbase "$suite" "$target.new" "$mirror"
rm -rf "$target.new"/var/cache/apt/*.bin "$target.new"/var/cache/apt/archives/*.deb
rm -rf "$target.new"/var/lib/apt/lists/*
mv "$target.new" "$target"
`;

async function bootstrapped(suite: string): Promise<string> {
  await mkdir(CACHE, { recursive: true, mode: 0o700 });
  const cache = await stat(CACHE);
  if (cache.uid !== process.geteuid?.()) throw new Error(`${CACHE} belongs to someone else`);
  const day = new Date().toISOString().slice(0, 10);
  const target = join(CACHE, `${suite}-${day}`);
  const mirror = await hostMirror();
  const script = ['sh', '-c', BOOTSTRAP, 'bootstrap', suite, mirror, target];
  await runTool('flock', [join(CACHE, `${suite}.lock`), ...script], { maxOutput: MAX_OUTPUT });
  return target;
}
