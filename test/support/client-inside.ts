import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runTool } from '../../shared/io/run-tool.js';
import type { Chroot } from './chroot.js';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
/** Where this project is seen from inside. */
export const INSIDE = '/opt/debshoal';
const APT_CONF = join(PROJECT, 'packaging/apt.conf.d');
const [INDEX, CLEAN] = ['50debshoal-index', '90debshoal-clean'];

/**
 * Puts the compiled client into a chroot as the package will: /usr/bin/debshoal, and apt's hook that
 * cleans up. Node and this project are mounted; Chroot.remove() takes the mounts away.
 */
export async function installClient(chroot: Chroot): Promise<void> {
  const { folder } = chroot;
  await mkdir(join(folder, INSIDE));
  await mount('--bind', PROJECT, join(folder, INSIDE));
  const node = join(folder, process.execPath);
  await mkdir(dirname(node), { recursive: true });
  await writeFile(node, '');
  await mount('--bind', process.execPath, node);
  await mount('-t', 'proc', 'proc', join(folder, 'proc'));
  const script = `#!/bin/sh\nexec ${process.execPath} ${INSIDE}/dist/client/cli.js "$@"\n`;
  await writeFile(join(folder, 'usr/bin/debshoal'), script, { mode: 0o755 });
  await copyFile(join(APT_CONF, CLEAN), join(folder, 'etc/apt/apt.conf.d', CLEAN));
}

/** Whether apt shall fetch the indexes that archives list themselves. */
export async function letAptFetchIndexes({ folder }: Chroot, isWanted: boolean): Promise<void> {
  const target = join(folder, 'etc/apt/apt.conf.d', INDEX);
  if (isWanted) await copyFile(join(APT_CONF, INDEX), target);
  else await rm(target, { force: true });
}

function mount(...args: string[]): Promise<unknown> {
  return runTool('mount', args, { maxOutput: 0 });
}
