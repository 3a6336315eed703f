import { readdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { isDebshoalError } from '../../../shared/errors.js';
import { withPidLock } from '../../../shared/io/pid-lock.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';

describe('the lock of a folder', () => {
  it('is held by one, even when many find a stale one at once', async () => {
    const folder = await temporaryFolder();
    for (let round = 0; round < 40; round++) {
      const path = join(folder, 'lock');
      await symlink('999999999 1 gone', path);
      let inside = 0;
      let most = 0;
      const hold = async (): Promise<string> => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside--;
        return 'held';
      };
      const results = await Promise.all(
        Array.from({ length: 8 }, () =>
          withPidLock(path, hold).catch((error: unknown) => {
            if (!isDebshoalError(error, 'io-failed')) throw error;
            return 'refused';
          }),
        ),
      );
      expect(most).toBe(1);
      expect(results).toContain('held');
      expect(await readdir(folder)).toEqual([]);
    }
  });

  it('is refused while its holder lives, and names it', async () => {
    const path = join(await temporaryFolder(), 'lock');
    await withPidLock(path, async () => {
      expect(await readlink(path)).toMatch(new RegExp(`^${process.pid} `));
      expect(await errorCode(withPidLock(path, () => Promise.resolve()))).toBe('io-failed');
    });
  });

  it('is taken over from a process whose number was reused, and from a file of another kind', async () => {
    const path = join(await temporaryFolder(), 'lock');
    await symlink(`${process.pid} 1 old`, path);
    expect(await withPidLock(path, () => Promise.resolve('mine'))).toBe('mine');
    await writeFile(path, '');
    expect(await withPidLock(path, () => Promise.resolve('mine'))).toBe('mine');
  });

  it('is taken over even when a takeover was killed in the middle', async () => {
    const folder = await temporaryFolder();
    await symlink('999999999 1 gone', join(folder, 'lock'));
    await symlink('999999998 1 gone', join(folder, 'lock.takeover'));
    expect(await withPidLock(join(folder, 'lock'), () => Promise.resolve('mine'))).toBe('mine');
    expect(await readdir(folder)).toEqual([]);
  });

  it('is released when the work fails', async () => {
    const folder = await temporaryFolder();
    const fails = withPidLock(join(folder, 'lock'), () => Promise.reject(new Error('broken')));
    await expect(fails).rejects.toThrow('broken');
    expect(await readdir(folder)).toEqual([]);
  });
});
