import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { DebshoalError } from '../../shared/errors.js';
import { isErrno } from '../../shared/io/errno.js';
import { openRegular } from '../../shared/io/files.js';
import { hashStream } from '../../shared/io/hash.js';
import { type AptSystem, shellValue } from './apt-system.js';
import { parseArchiveName } from './archive-name.js';
import { refuseWhileAptDownloads } from './apt-locks.js';
import { type PathResolver, pathResolver } from './path-inside-root.js';

/**
 * Moves a complete, verified .deb to where apt finds it: archives/partial/, the one folder whose
 * files apt hashes by itself before it uses them. `verifiedFile` is gone afterwards; it must
 * already match apt's own index. Returns its new path. Fails with `usage` for a name that apt
 * would not give, `apt-busy` while apt downloads, `apt-failed` without a cache folder.
 */
export async function handOver(
  system: AptSystem,
  archiveName: string,
  verifiedFile: string,
): Promise<string> {
  if (parseArchiveName(archiveName) === null) {
    throw new DebshoalError('usage', `not a name in apt's cache: ${JSON.stringify(archiveName)}`);
  }
  const { paths, folder } = await archivesFolder(system);
  const archives = await paths.folder(folder);
  if (archives === null) {
    throw new DebshoalError('apt-failed', `apt's cache folder is missing: ${folder}`, {
      hint: 'create it, or set Dir::Cache::archives',
    });
  }
  await refuseWhileAptDownloads(archives);
  let partial = await paths.folder(join(folder, 'partial'));
  if (partial === null) {
    // As apt makes it; apt itself gives it to its own user.
    partial = join(archives, 'partial');
    await mkdir(partial, { mode: 0o700 });
  }
  const target = join(partial, archiveName);
  if (!(await moveInPlace(verifiedFile, target))) {
    await copyBeside(verifiedFile, target);
    await rm(verifiedFile);
  }
  return target;
}

/**
 * Fails with `apt-busy` while apt downloads: handing over would fail too, after all the work. Needs
 * to be asked again then.
 */
export async function refuseWhileAptIsBusy(system: AptSystem): Promise<void> {
  const { paths, folder } = await archivesFolder(system);
  const archives = await paths.folder(folder);
  if (archives !== null) await refuseWhileAptDownloads(archives);
}

/**
 * Which of these .debs, by their names in apt's cache, an earlier run has handed over and apt has
 * not installed yet. None for ordinary users, who cannot look into apt's folder.
 */
export async function findHandedOver(
  system: AptSystem,
  debs: readonly { archiveName: string; size: number; sha256: string }[],
): Promise<Set<string>> {
  const found = new Set<string>();
  const { paths, folder } = await archivesFolder(system);
  const partial = await paths.folder(join(folder, 'partial'));
  if (partial === null) return found;
  for (const { archiveName, size, sha256 } of debs) {
    const file = await openRegular(join(partial, archiveName)).catch(() => null);
    if (file === null) continue;
    try {
      // What apt itself was downloading has another size nearly always: nothing to hash.
      if ((await file.stat()).size !== size) continue;
      const stream = file.createReadStream({ autoClose: false });
      if ((await hashStream(stream)).sha256 === sha256) found.add(archiveName);
    } finally {
      await file.close();
    }
  }
  return found;
}

/** Dir::Cache::archives, which the root's own configuration may have moved, as seen from inside. */
async function archivesFolder(system: AptSystem): Promise<{ paths: PathResolver; folder: string }> {
  const output = await system.run('apt-config', ['shell', 'D', 'Dir::Cache::archives/d']);
  const told = shellValue(output);
  const prefix = join(system.root, '/');
  // An absolute path in the configuration of another root means that root's own.
  const folder = told.startsWith(prefix) ? `/${told.slice(prefix.length)}` : told;
  return { paths: pathResolver(system.root), folder };
}

/** False when it must be copied: another filesystem, or an inode that others may change. */
async function moveInPlace(source: string, target: string): Promise<boolean> {
  const file = await openRegular(source);
  try {
    const found = await file.stat();
    // apt changes the owner of what it finds here, in all names of the inode; and its owner could
    // go on writing to it after apt has checked it.
    if (found.nlink > 1 || found.uid !== process.geteuid?.()) return false;
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await rename(source, target);
    return true;
  } catch (error) {
    if (isErrno(error, 'EXDEV')) return false;
    throw error;
  }
}

/**
 * The folder belongs to apt's unprivileged user: the copy is made through one descriptor of a new
 * file, so that nothing swapped in for its name is written to or given another mode.
 */
async function copyBeside(source: string, target: string): Promise<void> {
  const temporary = `${target}.debshoal-${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      for await (const chunk of createReadStream(source)) await file.writeFile(chunk as Buffer);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
