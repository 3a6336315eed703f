import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { openAptSystem, shellValue } from '../../../client/apt/apt-system.js';
import { withTemporaryFolder } from '../../../shared/io/files.js';
import { needs } from '../../support/needs.js';

const describeHere = await needs('apt-config');

async function lists(root: string): Promise<string> {
  const system = await openAptSystem(root);
  return shellValue(await system.run('apt-config', ['shell', 'L', 'Dir::State::lists/d']));
}

describeHere('the apt of a root folder', () => {
  test.each(['plain', 'with space', "quote'", 'per%20cent', 'a//b', 'hash # slash //x', 'tail\\'])(
    'a folder called %j',
    (name) =>
      withTemporaryFolder(async (folder) => {
        const root = join(folder, name);
        await mkdir(root, { recursive: true });
        expect(await lists(root)).toBe(join(root, 'var/lib/apt/lists/'));
      }),
  );

  test('attack: a folder whose name would end the setting', () =>
    withTemporaryFolder(async (folder) => {
      const root = join(folder, 'x"; Dir "');
      await mkdir(root);
      await expect(openAptSystem(root)).rejects.toMatchObject({ code: 'config-invalid' });
    }));

  test('the architecture is the root’s, from dpkg’s list or from its own package', () =>
    withTemporaryFolder(async (root) => {
      const dpkg = join(root, 'var/lib/dpkg');
      await mkdir(dpkg, { recursive: true });
      const status = 'Package: a\nArchitecture: i386\n\nPackage: dpkg\nArchitecture: s390x\n';
      await writeFile(join(dpkg, 'status'), status);
      expect((await openAptSystem(root)).architecture).toBe('s390x');
      await writeFile(join(dpkg, 'arch'), 'arm64\narmhf\n');
      const system = await openAptSystem(root);
      expect(system.architecture).toBe('arm64');
      const all = ['dump', '--format', '%v%n', 'APT::Architectures'];
      expect(await system.run('apt-config', all)).toBe('\narm64\narmhf\n');
    }));

  test('the root’s own configuration is read', () =>
    withTemporaryFolder(async (root) => {
      await mkdir(join(root, 'etc/apt/apt.conf.d'), { recursive: true });
      await writeFile(join(root, 'etc/apt/apt.conf.d/x'), 'Debshoal::Test "seen";\n');
      const system = await openAptSystem(root);
      const value = await system.run('apt-config', ['shell', 'X', 'Debshoal::Test']);
      expect(shellValue(value)).toBe('seen');
    }));

  test('this machine itself', async () => {
    const system = await openAptSystem('/');
    expect(system.root).toBe('/');
    expect(system.architecture).toMatch(/^[a-z0-9-]+$/);
  });

  test('what apt refuses is told with its code', async () => {
    const system = await openAptSystem('/');
    const nonsense = system.run('apt-get', ['nonsense']);
    await expect(nonsense).rejects.toMatchObject({ code: 'apt-failed', hint: undefined });
  });
});

test('a missing folder', async () => {
  await expect(openAptSystem('/nonexistent')).rejects.toMatchObject({ code: 'apt-failed' });
});

test('a machine without apt is told with a hint', () =>
  withTemporaryFolder(async (empty) => {
    const path = process.env['PATH'];
    process.env['PATH'] = empty;
    try {
      const opened = openAptSystem('/');
      await expect(opened).rejects.toMatchObject({
        code: 'apt-failed',
        hint: expect.any(String) as string,
      });
    } finally {
      process.env['PATH'] = path;
    }
  }));
