import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { DebshoalError } from '../../shared/errors.js';
import { isMissing } from '../../shared/io/errno.js';

/**
 * Fails with `apt-busy` while another process holds the lock of apt's archives folder. Only looks:
 * whoever holds this lock makes apt fail at once. apt takes a POSIX record lock (fcntl), which
 * flock(1) does not see; the kernel lists it by inode in /proc/locks (proc_locks(5)).
 */
export async function refuseWhileAptDownloads(archives: string): Promise<void> {
  if (!(await isLocked(join(archives, 'lock')))) return;
  throw new DebshoalError('apt-busy', `apt is downloading into ${archives}`, {
    hint: 'try again when the other apt has finished',
  });
}

/**
 * Fails with `apt-busy` while apt or dpkg installs: it reads .debs then, or is about to. apt-get,
 * apt and unattended-upgrades hold this lock from the moment that they decide what to install.
 */
export async function refuseWhileDpkgWorks(root: string): Promise<void> {
  if (!(await isLocked(join(root, 'var/lib/dpkg/lock-frontend')))) return;
  throw new DebshoalError('apt-busy', 'packages are being installed', {
    hint: 'try again when the other program has finished',
  });
}

async function isLocked(lock: string): Promise<boolean> {
  try {
    const { ino } = await stat(lock, { bigint: true });
    const locks = await readFile('/proc/locks', 'latin1');
    // The device is not compared: btrfs and overlayfs list another one than stat tells. At worst
    // a lock elsewhere on the same inode number costs one skipped run.
    const held = new RegExp(`^\\d+: POSIX +\\S+ +WRITE +-?\\d+ +\\S+:${ino} `, 'm');
    return held.test(locks);
  } catch (error) {
    // No lock file: apt never worked here. No /proc: nothing to look at, apt checks for itself.
    if (isMissing(error)) return false;
    throw error;
  }
}
