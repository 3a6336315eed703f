import { lstat, opendir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { DebshoalError, withCode } from '../../shared/errors.js';
import { LIMITS } from '../../shared/limits.js';
import type { ResourceLimits } from './resource-limits.js';

/** A file may grow to the limit before the next look, and so may a few of them. */
const LOOK_MS = 200;

export interface Watch {
  /** Aborted, with `limit-exceeded` as the reason, when a limit was passed. */
  readonly signal: AbortSignal;
  /** Resolves when it looks no more: what it looks at may go then. */
  stop(): Promise<void>;
}

/** Watches what the kernel does not limit for a worker: wall-clock time, and all files together. */
export async function watchLimits(
  folder: string,
  { wallSeconds, diskBytes }: ResourceLimits,
): Promise<Watch> {
  const controller = new AbortController();
  const exceeded = (what: string): void => {
    controller.abort(
      new DebshoalError('limit-exceeded', `applying the delta took too much ${what}`),
    );
  };
  // What it has removed and holds open is seen only so; but others use the disk, too.
  const disk = dirname(folder);
  const least = Math.min(LIMITS.diskReserveBytes, (await freeBytes(disk)) / 2);
  let look: Promise<void> | null = null;
  const lookOnce = async (): Promise<void> => {
    try {
      if ((await isOver(folder, diskBytes)) || (await freeBytes(disk)) < least) exceeded('disk');
    } catch (error) {
      // Nothing is to go on unwatched.
      controller.abort(withCode(error));
    } finally {
      look = null;
    }
  };
  const looking = setInterval(() => {
    look ??= lookOnce();
  }, LOOK_MS);
  const waiting = setTimeout(() => {
    exceeded('time');
  }, wallSeconds * 1000);
  return {
    signal: controller.signal,
    stop: async () => {
      clearInterval(looking);
      clearTimeout(waiting);
      await look;
    },
  };
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Whether the files below are too large or too many. They come and go while we look. */
async function isOver(folder: string, diskBytes: number): Promise<boolean> {
  let [bytes, files] = [0, 0];
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    try {
      for await (const entry of await opendir(next)) {
        const path = join(next, entry.name);
        if (entry.isDirectory()) folders.push(path);
        // stat(2) counts in 512 bytes.
        bytes += 512 * ((await lstat(path).catch(() => null))?.blocks ?? 0);
        if (++files > LIMITS.workerFiles || bytes > diskBytes) return true;
      }
    } catch {
      // Gone.
    }
  }
  return false;
}
