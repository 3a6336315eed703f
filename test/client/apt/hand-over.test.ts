import { link, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { openAptSystem } from '../../../client/apt/apt-system.js';
import { findHandedOver, handOver } from '../../../client/apt/hand-over.js';
import { withTemporaryFolder } from '../../../shared/io/files.js';
import { sha256 } from '../../../shared/io/hash.js';
import { holdLock } from '../../support/hold-lock.js';
import { needs } from '../../support/needs.js';

const NAME = 'tool_1%3a2.0-1+b1~x_amd64.deb';
const ARCHIVES = 'var/cache/apt/archives';
const describeHere = await needs('apt-config');

/** A root with apt's folders, and a verified .deb beside it. */
function inRoot(use: (root: string, deb: string) => Promise<void>): Promise<void> {
  return withTemporaryFolder(async (folder) => {
    const root = join(folder, 'root');
    await mkdir(join(root, ARCHIVES), { recursive: true });
    await mkdir(join(root, 'etc/apt/apt.conf.d'), { recursive: true });
    const deb = join(folder, 'verified');
    await writeFile(deb, 'content of the .deb');
    await use(root, deb);
  });
}

const handOverTo = async (root: string, name: string, deb: string): Promise<string> =>
  handOver(await openAptSystem(root), name, deb);

/** Locks a file as apt does, in another process; Node has no fcntl. */
describeHere('handing over', () => {
  test('moves the file into partial/, for its owner alone', () =>
    inRoot(async (root, deb) => {
      const target = await handOverTo(root, NAME, deb);
      expect(target).toBe(join(root, ARCHIVES, 'partial', NAME));
      expect(await readFile(target, 'utf8')).toBe('content of the .deb');
      expect((await stat(target)).mode & 0o7777).toBe(0o600);
      expect((await stat(join(root, ARCHIVES, 'partial'))).mode & 0o7777).toBe(0o700);
      await expect(stat(deb)).rejects.toMatchObject({ code: 'ENOENT' });
    }));

  test('what was handed over is found again, if it is whole and no link', () =>
    inRoot(async (root, deb) => {
      const content = Buffer.from('content of the .deb');
      const wanted = { archiveName: NAME, size: content.length, sha256: sha256(content) };
      const system = await openAptSystem(root);
      const find = async (): Promise<string[]> => [...(await findHandedOver(system, [wanted]))];
      expect(await find()).toEqual([]);
      const target = await handOver(system, NAME, deb);
      expect(await find()).toEqual([NAME]);
      await writeFile(target, Buffer.alloc(content.length, 'x'));
      expect(await find()).toEqual([]);
      await writeFile(deb, content);
      await rm(target);
      await symlink(deb, target);
      expect(await find()).toEqual([]);
    }));

  test('another filesystem: copies, leaves no temporary file and no source', () =>
    inRoot(async (root, deb) => {
      // The only way to a second filesystem without privileges.
      const other = await stat('/dev/shm').catch(() => null);
      if (other === null || other.dev === (await stat(root)).dev) return;
      await withTemporaryFolder(async (memory) => {
        const source = join(memory, 'verified');
        await writeFile(source, await readFile(deb));
        const target = await handOverTo(root, NAME, source);
        expect(await readFile(target, 'utf8')).toBe('content of the .deb');
        expect((await stat(target)).mode & 0o7777).toBe(0o600);
        expect(await readdir(join(root, ARCHIVES, 'partial'))).toEqual([NAME]);
        await expect(stat(source)).rejects.toMatchObject({ code: 'ENOENT' });
      }, '/dev/shm');
    }));

  test('attack: a file with a second name keeps its inode out of apt’s hands', () =>
    inRoot(async (root, deb) => {
      await link(deb, `${deb}-kept`);
      const target = await handOverTo(root, NAME, deb);
      expect((await stat(target)).nlink).toBe(1);
      expect((await stat(`${deb}-kept`)).ino).not.toBe((await stat(target)).ino);
    }));

  test('replaces what an interrupted apt left', () =>
    inRoot(async (root, deb) => {
      await mkdir(join(root, ARCHIVES, 'partial'));
      await writeFile(join(root, ARCHIVES, 'partial', NAME), 'a prefix');
      const target = await handOverTo(root, NAME, deb);
      expect(await readFile(target, 'utf8')).toBe('content of the .deb');
    }));

  test('attack: a link in partial/ is replaced, its target untouched', () =>
    inRoot(async (root, deb) => {
      await mkdir(join(root, ARCHIVES, 'partial'));
      await writeFile(join(root, 'precious'), 'precious');
      await symlink(join(root, 'precious'), join(root, ARCHIVES, 'partial', NAME));
      await handOverTo(root, NAME, deb);
      expect(await readFile(join(root, 'precious'), 'utf8')).toBe('precious');
    }));

  test('attack: a link in place of the file to hand over is refused', () =>
    inRoot(async (root, deb) => {
      await symlink(deb, `${deb}-link`);
      await expect(handOverTo(root, NAME, `${deb}-link`)).rejects.toThrow();
    }));

  test('follows Dir::Cache::archives, whose absolute path is the root’s own', () =>
    inRoot(async (root, deb) => {
      await mkdir(join(root, 'srv/cache'), { recursive: true });
      const setting = 'Dir::Cache::archives "/srv/cache";\n';
      await writeFile(join(root, 'etc/apt/apt.conf.d/cache'), setting);
      expect(await handOverTo(root, NAME, deb)).toBe(join(root, 'srv/cache/partial', NAME));
    }));

  test('a root without a cache folder is told', () =>
    withTemporaryFolder(async (root) => {
      const handed = handOverTo(root, NAME, '/dev/null');
      await expect(handed).rejects.toMatchObject({ code: 'apt-failed' });
    }));

  test.each(['../../../../etc/x_1_all.deb', 'x.deb', '', '.', 'a/x_1_all.deb'])(
    'attack: %j is no name in the cache',
    (name) =>
      inRoot(async (root, deb) => {
        await expect(handOverTo(root, name, deb)).rejects.toMatchObject({ code: 'usage' });
        expect(await readdir(join(root, ARCHIVES))).toEqual([]);
      }),
  );

  test('waits for nobody: while another process holds the lock, it is busy', () =>
    inRoot(async (root, deb) => {
      const lock = join(root, ARCHIVES, 'lock');
      await writeFile(lock, '');
      const release = await holdLock(lock);
      await expect(handOverTo(root, NAME, deb)).rejects.toMatchObject({ code: 'apt-busy' });
      await release();
      await handOverTo(root, NAME, deb);
    }));
});
