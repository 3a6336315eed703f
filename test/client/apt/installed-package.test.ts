import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

import {
  type InstalledPackage,
  openInstalledPackage,
} from '../../../client/apt/installed-package.js';
import { withTemporaryFolder } from '../../../shared/io/files.js';

const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
const STATUS = `Package: other
Status: install ok installed
Architecture: amd64
Version: 1:2-3

Package: tool
Status: install ok installed
Architecture: i386
Multi-Arch: same
Version: 1:2-3

Package: tool
Status: hold ok installed
Architecture: amd64
Multi-Arch: same
Version: 1:2-3
Conffiles:
 /etc/tool.conf ${MD5}
 /etc/old tool.conf ${MD5} obsolete
 /etc/removed ${MD5} obsolete remove-on-upgrade
Description: a tool
 with a long
 .
 description

Package: half
Status: install ok half-installed
Architecture: amd64
Version: 1
`;
const LIST = `/.
/usr
/usr/bin
/usr/bin/tool
/lib
/lib/tool.so
/etc
/etc/tool.conf
/etc/old tool.conf
/etc/removed
/usr/share/é
/usr/share/z
/usr/bin/tool
`;
const INFO = 'var/lib/dpkg/info/tool:amd64';

type Files = Readonly<Record<string, string>>;

function inRoot(files: Files, use: (root: string) => Promise<void>): Promise<void> {
  const all: Files = {
    'var/lib/dpkg/status': STATUS,
    [`${INFO}.list`]: LIST,
    'usr/bin/tool': 'tool',
    'usr/lib/tool.so': 'library',
    ...files,
  };
  return withTemporaryFolder(async (root) => {
    for (const [path, content] of Object.entries(all)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
    await symlink('usr/lib', join(root, 'lib'));
    await use(root);
  });
}

const open = (root: string): Promise<InstalledPackage> =>
  openInstalledPackage(root, 'tool', 'amd64', '1:2-3');

test('paths are unique, in byte order, without the root and without obsolete conffiles', () =>
  inRoot({}, async (root) => {
    expect((await open(root)).listedPaths).toEqual([
      '/etc',
      '/etc/tool.conf',
      '/lib',
      '/lib/tool.so',
      '/usr',
      '/usr/bin',
      '/usr/bin/tool',
      '/usr/share/z',
      '/usr/share/é',
    ]);
  }));

test('files are found through the links of merged /usr; folders and missing ones are not', () =>
  inRoot({}, async (root) => {
    const installed = await open(root);
    expect(await installed.locate('/lib/tool.so')).toBe(join(root, 'usr/lib/tool.so'));
    expect(await installed.locate('/usr/bin')).toBeNull();
    expect(await installed.locate('/etc/tool.conf')).toBeNull();
  }));

test('control files: all members of this package but list and control', () => {
  const files = {
    [`${INFO}.postinst`]: 'a',
    [`${INFO}.md5sums`]: 'b',
    [`${INFO}.control`]: 'c',
    // Another package, `tool:amd64.x` as far as a prefix can tell.
    [`${INFO}.x.prerm`]: 'd',
    'var/lib/dpkg/info/tool:i386.prerm': 'e',
  };
  return inRoot(files, async (root) => {
    expect([...(await open(root)).controlFiles]).toEqual([
      ['md5sums', join(root, `${INFO}.md5sums`)],
      ['postinst', join(root, `${INFO}.postinst`)],
    ]);
  });
});

test.each([
  ['an unknown package', 'none', 'amd64', '1'],
  ['another version', 'tool', 'amd64', '1:2-4'],
  ['another architecture', 'tool', 'arm64', '1:2-3'],
  ['a half installed package', 'half', 'amd64', '1'],
  ['a package without a list', 'other', 'amd64', '1:2-3'],
])('%s is not installed', (_, name, architecture, version) =>
  inRoot({}, async (root) => {
    const opened = openInstalledPackage(root, name, architecture, version);
    await expect(opened).rejects.toMatchObject({ code: 'not-installed' });
  }),
);

test('a root without dpkg has nothing installed', () =>
  withTemporaryFolder(async (root) => {
    await expect(open(root)).rejects.toMatchObject({ code: 'not-installed' });
  }));

test('attack: a link in place of a file, or of its folder, to a file outside of the root', () =>
  inRoot({}, async (root) => {
    const secret = join(root, '../debshoal-test-secret');
    const installed = await open(root);
    await rm(join(root, 'usr/bin'), { recursive: true });
    await symlink(dirname(secret), join(root, 'usr/bin'));
    expect(await installed.locate('/usr/bin/tool')).toBeNull();
    await rm(join(root, 'usr/bin'));
    await mkdir(join(root, 'usr/bin'));
    await symlink('/etc/passwd', join(root, 'usr/bin/tool'));
    expect(await (await open(root)).locate('/usr/bin/tool')).toBeNull();
  }));

test('attack: a FIFO in place of a file would block its reader for ever', () =>
  inRoot({}, async (root) => {
    await rm(join(root, 'usr/bin/tool'));
    execFileSync('mkfifo', [join(root, 'usr/bin/tool')]);
    expect(await (await open(root)).locate('/usr/bin/tool')).toBeNull();
  }));

test('a diverted file is at its other place, except for the package that diverts', () => {
  const diversions = (owner: string): Files => ({
    'var/lib/dpkg/diversions': `/usr/bin/tool\n/usr/bin/tool.real\n${owner}\n`,
    'usr/bin/tool.real': 'diverted',
  });
  const located = async (owner: string, place: string): Promise<void> =>
    inRoot(diversions(owner), async (root) => {
      expect(await (await open(root)).locate('/usr/bin/tool')).toBe(join(root, place));
    });
  return Promise.all([
    located('other', 'usr/bin/tool.real'),
    located(':', 'usr/bin/tool.real'),
    located('tool', 'usr/bin/tool'),
  ]);
});

test('attack: a diversion to a file outside of the root', () =>
  inRoot(
    { 'var/lib/dpkg/diversions': '/usr/bin/tool\n/../../../../etc/passwd\nother\n' },
    async (root) => {
      expect(await (await open(root)).locate('/usr/bin/tool')).toBeNull();
    },
  ));

test('attack: a path that the list does not have is not looked up', () =>
  inRoot({ 'etc/shadow': 'secret' }, async (root) => {
    expect(await (await open(root)).locate('/etc/shadow')).toBeNull();
  }));

test.each(['/usr/../etc/shadow\n', '/usr/\0\n', 'usr/bin\n', '/usr//bin\n', '/usr\n\n/etc\n'])(
  'attack: a list with %j is refused',
  (list) =>
    inRoot({ [`${INFO}.list`]: list }, async (root) => {
      await expect(open(root)).rejects.toMatchObject({ code: 'source-changed' });
    }),
);

test('attack: a stanza without end is refused while it is read', () =>
  inRoot({ 'var/lib/dpkg/status': `Package: x\nD: ${'x'.repeat(2 << 20)}` }, async (root) => {
    await expect(open(root)).rejects.toMatchObject({ code: 'limit-exceeded' });
  }));
