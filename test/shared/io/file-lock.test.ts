import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { isDebshoalError } from '../../../shared/errors.js';
import { withFileLock } from '../../../shared/io/file-lock.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';

const COMPILED = new URL('../../../dist/shared/io/file-lock.js', import.meta.url).href;

describe('the lock of a folder', () => {
  it('is held by one of many who ask at once', async () => {
    const path = join(await temporaryFolder(), 'lock');
    let inside = 0;
    let most = 0;
    const hold = async (): Promise<string> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 50));
      inside--;
      return 'held';
    };
    const results = await Promise.all(
      Array.from({ length: 8 }, () =>
        withFileLock(path, hold).catch((error: unknown) => {
          if (!isDebshoalError(error, 'io-failed')) throw error;
          return 'refused';
        }),
      ),
    );
    expect(most).toBe(1);
    expect(results).toContain('held');
  });

  it('is refused while it is held, and free afterwards', async () => {
    const path = join(await temporaryFolder(), 'lock');
    await withFileLock(path, async () => {
      expect(await errorCode(withFileLock(path, () => Promise.resolve()))).toBe('io-failed');
    });
    expect(await withFileLock(path, () => Promise.resolve('mine'))).toBe('mine');
  });

  it('is released when the work fails', async () => {
    const path = join(await temporaryFolder(), 'lock');
    const fails = withFileLock(path, () => Promise.reject(new Error('broken')));
    await expect(fails).rejects.toThrow('broken');
    expect(await withFileLock(path, () => Promise.resolve('mine'))).toBe('mine');
  });

  it('is released when its holder is killed', async () => {
    const path = join(await temporaryFolder(), 'lock');
    const script = `
      import { withFileLock } from ${JSON.stringify(COMPILED)};
      await withFileLock(${JSON.stringify(path)}, async () => {
        console.log('held');
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      });`;
    const holder = spawn(process.execPath, ['--input-type=module', '--eval', script]);
    await once(holder.stdout, 'data');
    expect(await errorCode(withFileLock(path, () => Promise.resolve()))).toBe('io-failed');
    holder.kill('SIGKILL');
    await once(holder, 'close');
    // The kernel closes the pipe, then cat ends: soon, but not at once.
    await expect
      .poll(() => withFileLock(path, () => Promise.resolve('mine')).catch(() => 'held'))
      .toBe('mine');
  });

  it('is refused where no file can be', async () => {
    const path = join(await temporaryFolder(), 'missing', 'lock');
    expect(await errorCode(withFileLock(path, () => Promise.resolve()))).toBe('io-failed');
  });
});
