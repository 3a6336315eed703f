import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { type AptSystem, openAptSystem } from '../../client/apt/apt-system.js';
import { handOver } from '../../client/apt/hand-over.js';
import { openInstalledPackage } from '../../client/apt/installed-package.js';
import { pendingUpgrades } from '../../client/apt/pending-upgrades.js';
import { type Archive, makeArchive } from '../support/archive.js';
import { type Chroot, makeChroot } from '../support/chroot.js';
import { cacheName, fixturePair } from '../support/fixture-pairs.js';
import { type HttpLog, serveWithLog } from '../support/http-log.js';
import { needs } from '../support/needs.js';

// What a minimal system can install: tzdata has maintainer scripts, the font an epoch.
const PAIRS = ['tzdata', 'fonts-opensymbol'].map(fixturePair);
/** Only to end a hanging mirror: the first chroot of a day is downloaded. */
const HOOK_LIMIT = 600_000;
const describeHere = await needs('root', 'debootstrap', 'reprepro', 'gpg', 'network');

for (const suite of ['bookworm', 'trixie'] as const) {
  describeHere(`real apt and dpkg of ${suite}`, () => {
    let base: string;
    let archive: Archive;
    let chroot: Chroot;
    let server: HttpLog;
    let system: AptSystem;
    const cleanUp: (() => Promise<void>)[] = [];

    beforeAll(async () => {
      base = await mkdtemp(join(tmpdir(), '.debshoal-'));
      cleanUp.push(() => rm(base, { recursive: true }));
      chroot = await makeChroot(suite);
      cleanUp.push(() => chroot.remove());
      archive = await makeArchive(base, { suite: 'lab', architectures: ['amd64'], signed: true });
      await archive.add(PAIRS.map((pair) => pair.oldDeb));
      server = await serveWithLog(archive.folder);
      cleanUp.push(() => server.close());
      const key = '/etc/apt/lab.gpg';
      await copyFile(archive.keyFile ?? '', join(chroot.folder, key));
      await chroot.setSources(archive.sourceLine(server.url, key));
      for (const pair of PAIRS)
        await copyFile(pair.oldDeb, join(chroot.folder, `${pair.name}.deb`));
      system = await openAptSystem(chroot.folder);
    }, HOOK_LIMIT);

    afterAll(async () => {
      for (const step of cleanUp.splice(0).reverse()) await step();
    }, HOOK_LIMIT);

    // Copying a system takes seconds, so all tests share one; each begins with the old packages.
    beforeEach(async () => {
      await chroot.run('dpkg', ['-i', ...PAIRS.map((pair) => `/${pair.name}.deb`)]);
      await chroot.run('apt-get', ['-qq', 'clean']);
      await chroot.run('apt-get', ['-qq', 'update']);
    }, HOOK_LIMIT);

    const publishNew = async (): Promise<void> => {
      await archive.add(PAIRS.map((pair) => pair.newDeb));
      await chroot.run('apt-get', ['-qq', 'update']);
    };

    const upgrade = async (): Promise<void> => {
      server.forget();
      await chroot.run('apt-get', ['-qq', '-y', 'upgrade']);
      for (const pair of PAIRS) {
        const shown = await chroot.run('dpkg-query', ['-W', '-f', '${Version}', pair.package]);
        expect(shown.stdout.toString()).toBe(pair.newVersion);
      }
    };

    const fetched = (): string[] =>
      server.requests
        .filter((request) => request.path.endsWith('.deb'))
        .map((request) => `${request.method} ${request.path.replace(/.*\//, '')}`);

    test('what is pending, before and after the new versions are first published', async () => {
      expect(await pendingUpgrades(system, { kind: 'upgrade' })).toEqual([]);
      await publishNew();
      const pending = await pendingUpgrades(system, { kind: 'upgrade' });
      const rows = pending.map(({ uris, ...row }) => {
        expect(uris).toEqual([expect.stringContaining(server.url)]);
        return row;
      });
      const expected = PAIRS.map((pair) => ({
        package: pair.package,
        architecture: pair.architecture,
        oldVersion: pair.oldVersion,
        version: pair.newVersion,
        archiveName: cacheName(pair),
        size: pair.newSize,
        sha256: pair.newSha256,
      }));
      expect(rows).toEqual(expect.arrayContaining(expected));
      expect(rows).toHaveLength(expected.length);
    });

    test('every regular file of the installed packages is found', async () => {
      for (const pair of PAIRS) {
        const { package: name, architecture, oldVersion } = pair;
        const installed = await openInstalledPackage(system.root, name, architecture, oldVersion);
        const listing = await chroot.run('dpkg-deb', ['-c', `/${pair.name}.deb`]);
        const files = [...listing.stdout.toString().matchAll(/^-.* \.(\/\S+)$/gm)].map(
          ([, path]) => path ?? '',
        );
        expect(files.length).toBeGreaterThan(0);
        expect(installed.listedPaths).toEqual(expect.arrayContaining(files));
        const located = await Promise.all(files.map((path) => installed.locate(path)));
        expect(located).toEqual(files.map((path) => join(system.root, path)));
      }
    });

    test('a handed over .deb is installed without a request for it', async () => {
      await publishNew();
      for (const pair of PAIRS) {
        await copyFile(pair.newDeb, join(base, 'verified'));
        await handOver(system, cacheName(pair), join(base, 'verified'));
      }
      await upgrade();
      expect(fetched()).toEqual([]);
    });

    test('a wrong file of the right size is thrown away by apt, which downloads', async () => {
      await publishNew();
      const [wrong, right] = PAIRS;
      if (wrong === undefined || right === undefined) throw new Error('two pairs');
      await writeFile(join(base, 'verified'), Buffer.alloc(wrong.newSize, 'x'));
      await handOver(system, cacheName(wrong), join(base, 'verified'));
      await copyFile(right.newDeb, join(base, 'verified'));
      await handOver(system, cacheName(right), join(base, 'verified'));
      await upgrade();
      expect(fetched()).toEqual([expect.stringMatching(`^GET ${wrong.package}_`)]);
      const partial = join(chroot.folder, 'var/cache/apt/archives/partial');
      expect(await readdir(partial)).toEqual([]);
    });
  });
}
