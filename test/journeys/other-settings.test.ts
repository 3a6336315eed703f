import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { diffDebs } from '../../generator/diff/diff-debs.js';
import { openInstalledSource } from '../../client/apt/installed-source.js';
import { rebuildDeb } from '../../shared/delta/rebuild.js';
import { makeChroot, type Chroot } from '../support/chroot.js';
import { errorCode } from '../support/error-code.js';
import { needs } from '../support/needs.js';
import { prose } from '../support/prose.js';

/*
 * .debs made with all settings of the real dpkg-deb: rebuilt exactly or, with the reason, in their
 * expanded form only, which that dpkg-deb itself writes with -Znone.
 */

const XZ = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((level) => ['-Zxz', `-z${level}`]);
const XZ_EXTREME = [0, 3, 6, 9].map((level) => ['-Zxz', '-Sextreme', `-z${level}`]);
const GZIP = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((level) => ['-Zgzip', `-z${level}`]);
const UNIFORM = ['--uniform-compression', '--no-uniform-compression'].flatMap((uniform) =>
  ['-Zxz', '-Zgzip', '-Znone'].map((type) => [type, uniform]),
);
const EXACT = [['-Znone'], ...XZ, ...XZ_EXTREME, ...GZIP, ...UNIFORM];
/** Of another version of zlib's or zstd's encoder, or with its parameters turned by hand. */
const PERHAPS = [
  ['-Zgzip', '-Sfixed'],
  ['-Zgzip', '-Srle', '-z9'],
  ['-Zzstd', '--uniform-compression'],
  ['-Zzstd', '--no-uniform-compression'],
  ...[1, 3, 9, 15, 19, 22].map((level) => ['-Zzstd', `-z${level}`]),
];

/** Only to end a hanging mirror: the first chroot of a day is downloaded. */
const HOOK_LIMIT = 600_000;
const describeHere = await needs('root', 'debootstrap', 'network');

for (const suite of ['bookworm', 'trixie'] as const) {
  describeHere(`what dpkg-deb of ${suite} writes`, () => {
    let base: string;
    let chroot: Chroot;
    let plain: Buffer;
    const cleanUp: (() => Promise<void>)[] = [];
    const inside = (name: string): string => join(chroot.folder, name);

    async function build(version: number, options: readonly string[]): Promise<string> {
      const deb = `/${version}.deb`;
      // Else the archives would differ in their time stamps.
      const command = ['SOURCE_DATE_EPOCH=1700000000', 'dpkg-deb', '--root-owner-group'];
      await chroot.run('env', [...command, ...options, '-b', `/tree-${version}`, deb]);
      return deb;
    }

    async function writeTree(version: number): Promise<void> {
      const tree = inside(`tree-${version}`);
      await mkdir(join(tree, 'DEBIAN'), { recursive: true });
      await mkdir(join(tree, 'usr/share/tiny'), { recursive: true });
      const fields = ['Package: tiny', `Version: ${version}`, 'Architecture: all'];
      const rest = ['Maintainer: N <n@example.org>', 'Description: x', ''];
      await writeFile(join(tree, 'DEBIAN/control'), [...fields, ...rest].join('\n'));
      await writeFile(join(tree, 'usr/share/tiny/text'), prose(400_000));
      await writeFile(join(tree, 'usr/share/tiny/changelog'), `version ${version}\n`);
    }

    beforeAll(async () => {
      base = await mkdtemp(join(tmpdir(), '.debshoal-'));
      cleanUp.push(() => rm(base, { recursive: true }));
      chroot = await makeChroot(suite);
      cleanUp.push(() => chroot.remove());
      for (const version of [1, 2]) await writeTree(version);
      await chroot.run('dpkg', ['-i', await build(1, [])]);
      plain = await readFile(inside(await build(2, ['-Znone'])));
    }, HOOK_LIMIT);

    afterAll(async () => {
      for (const step of cleanUp.splice(0).reverse()) await step();
    }, HOOK_LIMIT);

    /** Rebuilds both forms from the installed files; why there is no exact one. */
    async function rebuildBoth(options: readonly string[]): Promise<string | null> {
      const wanted = inside(await build(2, options));
      const [delta, exact, expanded] = ['delta', 'exact.deb', 'expanded.deb'].map((name) =>
        join(base, name),
      ) as [string, string, string];
      const { unreproducible } = await diffDebs(inside('1.deb'), wanted, delta);
      const identity = { package: 'tiny', architecture: 'all', version: '1' };
      const old = await openInstalledSource(chroot.folder, identity);
      await rebuildDeb(delta, old, expanded, { form: 'expanded' });
      expect((await readFile(expanded)).equals(plain)).toBe(true);
      if (unreproducible === null) {
        await rebuildDeb(delta, old, exact);
        expect((await readFile(exact)).equals(await readFile(wanted))).toBe(true);
      } else {
        expect(await errorCode(rebuildDeb(delta, old, exact))).toBe('deb-unreproducible');
      }
      return unreproducible;
    }

    const named = (all: readonly string[][]) => all.map((options) => [options.join(' '), options]);

    test.each(named(EXACT) as [string, string[]][])('%s is exact', async (_name, options) => {
      expect(await rebuildBoth(options)).toBe(null);
    });

    test.each(named(PERHAPS) as [string, string[]][])(
      '%s is exact or said not to be',
      async (_name, options) => {
        expect([null, expect.stringContaining('no recipe')]).toContainEqual(
          await rebuildBoth(options),
        );
      },
    );

    test('the expanded form shows and contains the same, and is installed', async () => {
      expect(await rebuildBoth(['-Zxz'])).toBe(null);
      await copyFile(join(base, 'expanded.deb'), inside('expanded.deb'));
      for (const option of ['-f', '-c', '--ctrl-tarfile', '--fsys-tarfile']) {
        const look = async (deb: string) => (await chroot.run('dpkg-deb', [option, deb])).stdout;
        expect((await look('/expanded.deb')).equals(await look('/2.deb'))).toBe(true);
      }
      const { stdout } = await chroot.run('dpkg-deb', ['-I', '/expanded.deb']);
      expect(stdout.toString()).toContain('new Debian package, version 2.0');
      await chroot.run('dpkg-deb', ['-x', '/expanded.deb', '/extracted']);
      await chroot.run('diff', ['-r', '--exclude=DEBIAN', '/extracted', '/tree-2']);
      await chroot.run('dpkg', ['-i', '/expanded.deb']);
      await chroot.run('dpkg', ['--verify', 'tiny']);
      const shown = await chroot.run('dpkg-query', ['-W', '-f', '${Version}', 'tiny']);
      expect(shown.stdout.toString()).toBe('2');
      await chroot.run('dpkg', ['-i', '/1.deb']);
    });
  });
}
