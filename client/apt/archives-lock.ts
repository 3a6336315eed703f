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
  try {
    const { ino } = await stat(join(archives, 'lock'), { bigint: true });
    const locks = await readFile('/proc/locks', 'latin1');
    // The device is not compared: btrfs and overlayfs list another one than stat tells. At worst
    // a lock elsewhere on the same inode number costs one skipped run.
    const held = new RegExp(`^\\d+: POSIX +\\S+ +WRITE +-?\\d+ +\\S+:${ino} `, 'm');
    if (!held.test(locks)) return;
  } catch (error) {
    // No lock file: apt never downloaded here. No /proc: nothing to look at, apt checks for itself.
    if (isMissing(error)) return;
    throw error;
  }
  throw new DebshoalError('apt-busy', `apt is downloading into ${archives}`, {
    hint: 'try again when the other apt has finished',
  });
}
