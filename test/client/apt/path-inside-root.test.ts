import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { pathResolver } from '../../../client/apt/path-inside-root.js';
import { withTemporaryFolder } from '../../../shared/io/files.js';

/** A tree with `root/usr/lib/file` and a file `secret` beside `root`. */
function inTree(use: (root: string) => Promise<void>): Promise<void> {
  return withTemporaryFolder(async (folder) => {
    const root = join(folder, 'root');
    await mkdir(join(root, 'usr/lib'), { recursive: true });
    await writeFile(join(root, 'usr/lib/file'), 'inside');
    await writeFile(join(folder, 'secret'), 'outside');
    await use(root);
  });
}

test('a relative link as of merged /usr is followed', () =>
  inTree(async (root) => {
    await symlink('usr/lib', join(root, 'lib'));
    expect(await pathResolver(root).entry('/lib/file')).toBe(join(root, 'usr/lib/file'));
  }));

test('an absolute link starts at the root', () =>
  inTree(async (root) => {
    await symlink('/usr/lib', join(root, 'lib'));
    expect(await pathResolver(root).folder('/lib')).toBe(join(root, 'usr/lib'));
  }));

test('a link to the folder above the root does not leave it', () =>
  inTree(async (root) => {
    await symlink('../../..', join(root, 'usr/up'));
    await symlink('/../../', join(root, 'usr/absolute-up'));
    const paths = pathResolver(root);
    expect(await paths.entry('/usr/up/secret')).toBe(join(root, 'secret'));
    expect(await paths.entry('/usr/absolute-up/secret')).toBe(join(root, 'secret'));
    expect(await paths.entry('/../secret')).toBe(join(root, 'secret'));
  }));

test('the last component is not followed', () =>
  inTree(async (root) => {
    await symlink('/usr/lib/file', join(root, 'link'));
    expect(await pathResolver(root).entry('/link')).toBe(join(root, 'link'));
  }));

test('a loop of links, a missing folder, a file as a folder, a NUL name nothing', () =>
  inTree(async (root) => {
    await symlink('b', join(root, 'a'));
    await symlink('a', join(root, 'b'));
    const paths = pathResolver(root);
    for (const path of ['/a/x', '/none/x', '/usr/lib/file/x', '/usr\0/x', '/usr/..', '/usr/']) {
      expect(await paths.entry(path)).toBeNull();
    }
  }));
