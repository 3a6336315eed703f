import { randomBytes } from 'node:crypto';
import { readFile, readlink, rm, symlink } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

import { DebshoalError } from '../errors.js';

/**
 * Runs `use` while holding the lock file `path`, which names our process. A lock whose process is
 * gone (killed, rebooted) is taken over. Another holder: fails with `io-failed`.
 */
export async function withPidLock<T>(path: string, use: () => Promise<T>): Promise<T> {
  // Unique to this call, for one process may ask for the same lock twice.
  const unique = randomBytes(6).toString('hex');
  const mark = `${process.pid} ${(await startTime(process.pid)) ?? ''} ${unique}`;
  await takeLock(path, mark);
  try {
    return await use();
  } finally {
    if ((await readLock(path)) === mark) await rm(path, { force: true });
  }
}

const ATTEMPTS = 100;

/** A symbolic link appears with its content: nobody ever sees a lock without a holder. */
async function takeLock(path: string, mark: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await tryLock(path, mark)) return;
    const holder = await readLock(path);
    if (holder === null) continue;
    await refuseIfAlive(path, holder);
    await removeStale(path, holder, mark);
  }
  throw new DebshoalError('io-failed', `cannot take the lock ${path}`);
}

async function refuseIfAlive(path: string, holder: string): Promise<void> {
  if (!(await isAlive(holder))) return;
  throw new DebshoalError('io-failed', `${path} is held by process ${holder.split(' ')[0] ?? ''}`, {
    hint: 'wait until that run has ended',
  });
}

async function isAlive(holder: string): Promise<boolean> {
  const [pid = '', started = ''] = holder.split(' ');
  return /^[0-9]+$/.test(pid) && (await startTime(Number(pid))) === started;
}

const TAKEOVER_WAIT_MS = 10;

/**
 * Only whoever holds a second lock removes a stale one: of two that both had seen it, the slower
 * would remove the new lock of the quicker.
 */
async function removeStale(path: string, holder: string, mark: string): Promise<void> {
  const takeover = `${path}.takeover`;
  if (await tryLock(takeover, mark)) {
    if ((await readLock(path)) === holder) await rm(path, { force: true });
    await rm(takeover, { force: true });
    return;
  }
  const other = await readLock(takeover);
  // Killed between the two removals above.
  if (other !== null && !(await isAlive(other))) await rm(takeover, { force: true });
  else await setTimeout(TAKEOVER_WAIT_MS);
}

async function tryLock(path: string, mark: string): Promise<boolean> {
  try {
    await symlink(mark, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** What a lock says; empty for a file that is no lock of ours, null for none. */
async function readLock(path: string): Promise<string | null> {
  try {
    return await readlink(path);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EINVAL' ? '' : null;
  }
}

/** proc(5): field 22 of stat, so that a reused process number is not mistaken for the holder. */
async function startTime(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
