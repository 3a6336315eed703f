import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { withTemporaryFolder } from '../../../shared/io/files.js';
import { linkOrCopy } from '../../../shared/io/link-or-copy.js';
import { temporaryFolder } from '../../support/cleanup.js';

describe('linking or copying a file', () => {
  it('links it where it can, in folders that are made, and twice', async () => {
    const folder = await temporaryFolder();
    const [source, target] = [join(folder, 'a'), join(folder, 'deep', 'er', 'b')];
    await writeFile(source, 'content');
    for (const time of ['first', 'again']) {
      expect(await linkOrCopy(source, target), time).toBe(true);
      expect((await stat(target)).ino).toBe((await stat(source)).ino);
    }
  });

  it('puts it in the place of what is there', async () => {
    const folder = await temporaryFolder();
    const [source, target] = [join(folder, 'a'), join(folder, 'b')];
    await writeFile(source, 'new');
    await writeFile(target, 'old');
    expect(await linkOrCopy(source, target)).toBe(true);
    expect(await readFile(target, 'utf8')).toBe('new');
  });

  it('says when there is none, and leaves what is there', async () => {
    const folder = await temporaryFolder();
    const target = join(folder, 'b');
    await writeFile(target, 'old');
    expect(await linkOrCopy(join(folder, 'a'), target)).toBe(false);
    expect(await readFile(target, 'utf8')).toBe('old');
  });

  it('copies it from another file system', async (context) => {
    const folder = await temporaryFolder();
    const other = await stat('/dev/shm').catch(() => null);
    if (other === null || other.dev === (await stat(folder)).dev) {
      context.skip('there is no second file system');
    }
    await withTemporaryFolder(async (elsewhere) => {
      const source = join(elsewhere, 'a');
      await writeFile(source, 'content');
      expect(await linkOrCopy(source, join(folder, 'b'))).toBe(true);
      expect(await readFile(join(folder, 'b'), 'utf8')).toBe('content');
    }, '/dev/shm');
  });
});
