import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { formatBytes } from '../../shared/cli/format.js';
import { isDebshoalError } from '../../shared/errors.js';
import { exists } from '../../shared/io/files.js';
import { runTool } from '../../shared/io/run-tool.js';
import { CACHE_FOLDER, STATE_FOLDER } from '../store/folders.js';
import { provenEncoders } from '../store/encoder-proof.js';
import type { Findings } from './finding.js';

/** Room for the cache, as far as it may grow. */
export async function checkDisk(root: string, cacheBytes: number, found: Findings): Promise<void> {
  let folder = join(root, CACHE_FOLDER);
  while (!(await exists(folder))) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const text = `${formatBytes(free)} free for a cache of ${formatBytes(cacheBytes)}`;
  if (free >= cacheBytes) found.ok(text);
  else found.warning(text, 'Make room, or set a smaller Cache-Size.');
}

/** What parses and patches foreign bytes does so in a sandbox. */
export async function checkSandbox(found: Findings): Promise<void> {
  try {
    const args = ['--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', 'true'];
    await runTool('bwrap', args, { maxOutput: 1024 });
    found.ok('bubblewrap works');
  } catch (error) {
    if (!isDebshoalError(error)) throw error;
    const isMissing = error.cause instanceof Error;
    const advice = isMissing
      ? 'Install the package bubblewrap.'
      : 'The kernel or a container forbids namespaces: see bwrap(1).';
    found.warning(isMissing ? 'there is no bubblewrap' : error.message, advice);
  }
}

/** Whether this machine compresses exactly as those that publish. */
export async function checkEncoders(root: string, found: Findings): Promise<void> {
  const { failed } = await provenEncoders(join(root, STATE_FOLDER), 'read-only');
  if (failed.length === 0) found.ok('xz, gzip and zstd give the published bytes');
  else found.problem(`${failed.join(' and ')} give other bytes`, 'Install debshoal again.');
}
