import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { formatBytes } from '../../shared/cli/format.js';
import { exists } from '../../shared/io/files.js';
import { findConfinement } from '../confinement/find-confinement.js';
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

/** What reads foreign deltas does so in a sandbox, where there can be one. */
export async function checkSandbox(found: Findings): Promise<void> {
  const { level, detail } = await findConfinement();
  if (level === 'sandbox') found.ok(detail);
  else found.warning(detail, 'Install bubblewrap, and let it make namespaces: see bwrap(1).');
}

/** Whether this machine compresses exactly as those that publish. */
export async function checkEncoders(root: string, found: Findings): Promise<void> {
  const { failed } = await provenEncoders(join(root, STATE_FOLDER), 'read-only');
  if (failed.length === 0) found.ok('xz, gzip and zstd give the published bytes');
  else found.problem(`${failed.join(' and ')} give other bytes`, 'Install debshoal again.');
}
