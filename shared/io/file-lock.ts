import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { DebshoalError } from '../errors.js';

/** An exit status of flock(1) that no other failure of it has. */
const HELD_BY_ANOTHER = 75;

/**
 * Runs `use` while holding a lock on the file `path`, which is made and stays. The kernel keeps the
 * lock for a child process (flock(1), Essential in Debian) that ends with us, however we end: there
 * are no stale locks, and nothing to decide about them. Another holder: fails with `io-failed`.
 */
export async function withFileLock<T>(path: string, use: () => Promise<T>): Promise<T> {
  const options = ['--nonblock', '--conflict-exit-code', String(HELD_BY_ANOTHER)];
  // cat ends when our end of its standard input is closed, by us or by the kernel.
  const holder = spawn('flock', [...options, path, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C is for us: the lock is held until everything is cleaned up.
    detached: true,
  });
  const ended = once(holder, 'close');
  holder.stdin.on('error', () => undefined);
  const started = Promise.race([once(holder.stdout, 'data'), ended]);
  await started.catch((cause: unknown) => {
    throw new DebshoalError('tool-failed', 'cannot run flock', { cause });
  });
  if (holder.exitCode !== null) throw refused(path, holder.exitCode);
  try {
    return await use();
  } finally {
    holder.stdin.end();
    await ended;
  }
}

function refused(path: string, status: number): DebshoalError {
  return status === HELD_BY_ANOTHER
    ? new DebshoalError('io-failed', `${path} is held by another run`, {
        hint: 'wait until that has ended',
      })
    : new DebshoalError('io-failed', `cannot lock ${path}`);
}
