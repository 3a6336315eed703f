import { open, readFile, rm } from 'node:fs/promises';

import { DebshoalError } from '../errors.js';

/**
 * Runs `use` while holding the lock file `path`, which names our process. A lock whose process is
 * gone (killed, rebooted) is taken over. Another holder: fails with `io-failed`.
 */
export async function withPidLock<T>(path: string, use: () => Promise<T>): Promise<T> {
  await takeLock(path);
  try {
    return await use();
  } finally {
    await rm(path, { force: true });
  }
}

async function takeLock(path: string): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(`${process.pid} ${await startTime(process.pid)}\n`);
      await file.close();
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const [pid = '', started = ''] = (await readFile(path, 'utf8')).trim().split(' ');
    if (pid !== '' && (await startTime(Number(pid))) === started) {
      throw new DebshoalError('io-failed', `${path} is held by process ${pid}`, {
        hint: 'wait until that run has ended',
      });
    }
    await rm(path, { force: true });
  }
  throw new DebshoalError('io-failed', `cannot take the lock ${path}`);
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
