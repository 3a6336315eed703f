import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { writePlainArchive } from '../../../bench/main-job/plain-archive.js';
import { makeScratchRoot } from '../../../bench/main-job/scratch-root.js';
import { type AptSystem, openAptSystem } from '../../../client/apt/apt-system.js';
import { handOver } from '../../../client/apt/hand-over.js';
import { openInstalledPackage } from '../../../client/apt/installed-package.js';
import { pendingUpgrades } from '../../../client/apt/pending-upgrades.js';
import { hashFile } from '../../../shared/io/hash.js';
import { controlOf, openDeb } from '../../support/dpkg-deb.js';
import { cacheName, FIXTURE_PAIRS, fixturePair } from '../../support/fixture-pairs.js';
import { type HttpLog, serveWithLog } from '../../support/http-log.js';
import { needs } from '../../support/needs.js';

const describeHere = await needs('apt-get', 'dpkg-deb');

/** Real apt over a root with all old fixtures installed and an archive with the new ones. */
describeHere('pending upgrades, with real apt and no privileges', () => {
  let folder: string;
  let root: string;
  let server: HttpLog;
  let system: AptSystem;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), '.debshoal-'));
    root = join(folder, 'root');
    const archive = join(folder, 'archive');
    const upgrades = FIXTURE_PAIRS.map((pair) => pair.newDeb);
    const [suite, architecture] = ['scratch', 'amd64'];
    const architectures = [architecture];
    await writePlainArchive(archive, { suite, architectures, debs: upgrades, controlOf });
    server = await serveWithLog(archive);
    const debs = FIXTURE_PAIRS.map((pair) => pair.oldDeb);
    const archiveUrl = server.url;
    await makeScratchRoot(root, { debs, upgrades, archiveUrl, suite, architecture, openDeb });
    system = await openAptSystem(root);
    await system.run('apt-get', ['-qq', 'update']);
  }, 60_000);

  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  test('every fixture is upgradable from its old to its new version', async () => {
    const notes: string[] = [];
    const pending = await pendingUpgrades(system, { kind: 'upgrade' }, (progress) =>
      notes.push(progress.kind),
    );
    expect(notes).toEqual([]);
    const found = pending.map((row) => ({ ...row, uris: row.uris.length }));
    const expected = FIXTURE_PAIRS.map((pair) => ({
      package: pair.package,
      architecture: pair.architecture,
      oldVersion: pair.oldVersion,
      version: pair.newVersion,
      archiveName: cacheName(pair),
      uris: 1,
      size: pair.newSize,
      sha256: pair.newSha256,
    }));
    expect(found).toEqual(expect.arrayContaining(expected));
    expect(found).toHaveLength(expected.length);
  });

  test('a package whose archive gives no SHA-256 is left to apt, with a note', async () => {
    const lists = join(root, 'var/lib/apt/lists');
    const index = (await readdir(lists)).find((name) => name.endsWith('_Packages')) ?? '';
    const original = await readFile(join(lists, index), 'utf8');
    const hash = `SHA256: ${fixturePair('tzdata').newSha256}\n`;
    await writeFile(join(lists, index), original.replace(hash, ''));
    const notes: string[] = [];
    const pending = await pendingUpgrades(system, { kind: 'upgrade' }, (progress) =>
      notes.push(progress.kind),
    );
    await writeFile(join(lists, index), original);
    expect(pending.map((row) => row.package)).not.toContain('tzdata');
    expect(pending).toHaveLength(FIXTURE_PAIRS.length - 1);
    expect(notes).toEqual(['warning']);
  });

  test('install and full-upgrade ask apt the same way; nonsense names are refused', async () => {
    const packages = ['tzdata', 'openssl:amd64'];
    const some = await pendingUpgrades(system, { kind: 'install', packages });
    expect(some.map((row) => row.package).sort()).toEqual(['openssl', 'tzdata']);
    expect(await pendingUpgrades(system, { kind: 'full-upgrade' })).toHaveLength(
      FIXTURE_PAIRS.length,
    );
    for (const name of ['-o=x', 'tzdata-', 'a b', '', '../x', 'x=', 'tzdata=-1']) {
      const asked = pendingUpgrades(system, { kind: 'install', packages: [name] });
      await expect(asked).rejects.toMatchObject({ code: 'usage' });
    }
    const unknown = pendingUpgrades(system, { kind: 'install', packages: ['no-such-package'] });
    await expect(unknown).rejects.toMatchObject({ code: 'apt-failed' });
  });

  test('a handed over .deb is not downloaded, a wrong one is', async () => {
    const pending = await pendingUpgrades(system, { kind: 'upgrade' });
    for (const pair of FIXTURE_PAIRS) {
      const row = pending.find((candidate) => candidate.package === pair.package);
      const copy = join(folder, 'copy');
      await copyFile(pair.newDeb, copy);
      if (pair.package === 'tzdata') await writeFile(copy, Buffer.alloc(pair.newSize));
      await handOver(system, row?.archiveName ?? '', copy);
    }
    server.forget();
    await system.run('apt-get', ['-qq', '-y', '--download-only', 'upgrade']);
    const asked = server.requests.map((request) => request.path);
    expect(asked).toEqual([expect.stringContaining('tzdata')]);
    for (const row of pending) {
      const cached = join(root, 'var/cache/apt/archives', row.archiveName);
      expect((await hashFile(cached)).sha256).toBe(row.sha256);
    }
    expect(await pendingUpgrades(system, { kind: 'upgrade' })).toEqual([]);
  });

  test('the scratch root’s packages are installed ones', async () => {
    for (const pair of FIXTURE_PAIRS) {
      const { package: name, architecture, oldVersion } = pair;
      const installed = await openInstalledPackage(root, name, architecture, oldVersion);
      expect(installed.controlFiles.has('md5sums')).toBe(true);
      const copyright = `/usr/share/doc/${name}/copyright`;
      if (installed.listedPaths.includes(copyright)) {
        expect(await installed.locate(copyright)).toBe(join(root, copyright));
      }
    }
  });
});
