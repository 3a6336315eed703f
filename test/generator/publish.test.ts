import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { EXIT_STATUS } from '../../shared/errors.js';
import { noise } from '../support/chunks.js';
import { temporaryFolder } from '../support/cleanup.js';
import { checkPublished, listFiles } from '../support/published-tree.js';
import { runGenerator, startGenerator, type CliResult } from '../support/run-cli.js';
import { writeArchive, type ArchivedDeb } from '../support/tiny-archive.js';
import { makeTinyDeb } from '../support/tiny-deb.js';
import { hasTool } from '../support/tools.js';

/** A home with its key, made once: copies of it are quick. */
let template = '';
beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), 'debshoal-test-'));
  await runGenerator('init', '--home', template, '--name', 'Test', '--email', 'test@example.org');
  return () => rm(template, { recursive: true });
});

interface Site {
  readonly archive: string;
  readonly out: string;
  readonly home: string;
  readonly publish: (...more: readonly string[]) => Promise<CliResult>;
  readonly args: readonly string[];
}

async function newSite(): Promise<Site> {
  const folder = await temporaryFolder();
  const [archive, out, home] = ['archive', 'out', 'home'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  execFileSync('cp', ['-a', template, home]);
  const args = ['publish', archive, '--out', out, '--home', home, '--json', '--workers', '2'];
  return { archive, out, home, args, publish: (...more) => runGenerator(...args, ...more) };
}

interface DebOptions {
  readonly package?: string;
  readonly architecture?: string;
  /** Other content under the same version. */
  readonly build?: string;
}

async function deb(version: string, options: DebOptions = {}): Promise<ArchivedDeb> {
  const { package: name = 'tiny', architecture = 'amd64', build = '' } = options;
  const content = Buffer.concat([Buffer.from(`${version} ${build}`), noise(20_000)]);
  const bytes = await makeTinyDeb({
    package: name,
    version,
    architecture,
    entries: [{ path: 'usr/lib/tiny', content }],
    recipe: { kind: 'stored' },
  });
  return { package: name, version, architecture, bytes };
}

function reportOf(result: CliResult): Record<string, unknown> {
  expect(result).toMatchObject({ status: 0 });
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

const stable = 'stable';

describe('publishing an archive', () => {
  it('forgets nothing when a mirror is half there or empty', async () => {
    const { archive, out, publish } = await newSite();
    for (const version of ['1', '2']) {
      await writeArchive(archive, [{ suite: stable, debs: [await deb(version)] }]);
      await publish();
    }
    const files = await listFiles(out);
    await writeArchive(archive, [{ suite: stable, debs: [] }]);
    const emptied = await publish();
    await writeFile(join(archive, 'dists/stable/Release'), 'Codename: stable\n');
    const halfThere = await publish();
    for (const { status, stdout } of [emptied, halfThere]) {
      expect(status).toBe(EXIT_STATUS['archive-malformed']);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'archive-malformed' } });
    }
    expect(await listFiles(out)).toEqual(files);
  });

  it('makes deltas for new versions, and changes nothing when there are none', async () => {
    const { archive, out, home, publish } = await newSite();
    await writeArchive(archive, [{ suite: stable, debs: [await deb('1')] }]);
    expect(reportOf(await publish())).toMatchObject({ packages: 1, newVersions: 1, pairs: 0 });
    expect((await checkPublished(out, home, stable)).deltas).toEqual([]);

    // The archive drops the old version: the store has it.
    await writeArchive(archive, [{ suite: stable, debs: [await deb('2')] }]);
    const second = reportOf(await publish());
    expect(second).toMatchObject({ deltas: 1, publishedSuites: [stable] });
    expect((await checkPublished(out, home, stable)).deltas).toEqual(['tiny 1 -> 2 amd64']);

    const before = await stat(join(out, 'dists/stable/InRelease'));
    const files = await listFiles(out);
    expect(reportOf(await publish())).toMatchObject({ deltas: 0, publishedSuites: [] });
    const after = await stat(join(out, 'dists/stable/InRelease'));
    expect([after.mtimeMs, after.ino]).toEqual([before.mtimeMs, before.ino]);
    expect(await listFiles(out)).toEqual(files);

    await writeArchive(archive, [{ suite: stable, debs: [await deb('3')] }]);
    await publish();
    const third = await checkPublished(out, home, stable);
    expect(third.deltas).toEqual(['tiny 1 -> 3 amd64', 'tiny 2 -> 3 amd64']);
    // What led to version 2 is gone, and version 2 itself.
    expect((await listFiles(out)).filter((path) => path.includes('_2_amd64'))).toEqual([]);
  });

  it.skipIf(!hasTool('gpgv'))('signs what gpgv accepts (needs gpgv)', async () => {
    const { archive, out, home, publish } = await newSite();
    await writeArchive(archive, [{ suite: stable, debs: [await deb('1')] }]);
    await publish();
    const keyring = join(home, 'keyring.gpg');
    const folder = join(out, 'dists/stable');
    const gpgv = (...files: string[]) =>
      execFileSync('gpgv', ['--keyring', keyring, ...files], { stdio: 'ignore' });
    gpgv(join(folder, 'InRelease'));
    gpgv(join(folder, 'Release.gpg'), join(folder, 'Release'));
  });

  it('handles Architecture: all in every index, and several components', async () => {
    const { archive, out, home, publish } = await newSite();
    const all = (version: string) => deb(version, { package: 'shared', architecture: 'all' });
    const extra = (version: string) => deb(version, { package: 'extra', architecture: 'i386' });
    for (const version of ['1', '2']) {
      await writeArchive(archive, [
        { suite: stable, debs: [await all(version)] },
        { suite: stable, component: 'contrib', debs: [await extra(version)] },
      ]);
      await publish();
    }
    const { deltas, packages } = await checkPublished(out, home, stable);
    expect(deltas).toEqual(['extra 1 -> 2 i386', 'shared 1 -> 2 all', 'shared 1 -> 2 all']);
    expect([...packages.keys()].sort()).toEqual([
      'contrib/debshoal-amd64/Deltas',
      'contrib/debshoal-i386/Deltas',
      'main/debshoal-amd64/Deltas',
      'main/debshoal-i386/Deltas',
    ]);

    // A run for one component leaves the others in the Release.
    await writeArchive(archive, [
      { suite: stable, debs: [await all('3')] },
      { suite: stable, component: 'contrib', debs: [await extra('3')] },
    ]);
    expect(reportOf(await publish('--component', 'contrib'))).toMatchObject({ deltas: 2 });
    const part = await checkPublished(out, home, stable);
    expect(part.deltas).toEqual(['extra 1 -> 3 i386', 'extra 2 -> 3 i386']);
    expect([...part.packages.keys()]).toHaveLength(4);
    expect(reportOf(await publish())).toMatchObject({ deltas: 2 });
  });

  it('publishes a suite once when others are symbolic links to it', async () => {
    const { archive, out, home, publish } = await newSite();
    await writeArchive(archive, [{ suite: 'bookworm', debs: [await deb('1')] }]);
    await symlink('bookworm', join(archive, 'dists/stable'));
    await symlink('nowhere', join(archive, 'dists/broken'));
    expect(reportOf(await publish())).toMatchObject({ publishedSuites: ['bookworm'] });
    await checkPublished(out, home, 'bookworm');
  });

  it('pairs versions across suites, and takes one version built twice for two files', async () => {
    const { archive, out, home, publish } = await newSite();
    const builds = await Promise.all(
      ['a', 'b'].map((build) => deb('2', { package: `tiny`, build })),
    );
    const [first, second] = builds as [ArchivedDeb, ArchivedDeb];
    await writeArchive(archive, [{ suite: 'one', debs: [await deb('1')] }]);
    await publish();
    // Same name, version and architecture, other content, in another pool.
    await writeArchive(archive, [
      { suite: 'one', debs: [first] },
      { suite: 'two', component: 'other', debs: [second] },
    ]);
    expect(reportOf(await publish())).toMatchObject({ deltas: 2 });
    for (const suite of ['one', 'two']) {
      expect((await checkPublished(out, home, suite)).deltas).toEqual(['tiny 1 -> 2 amd64']);
    }
  });

  it('follows a version that was built anew under its number', async () => {
    const { archive, out, home, publish } = await newSite();
    const steps = [await deb('1'), await deb('2'), await deb('2', { build: 'again' })];
    for (const step of steps) {
      await writeArchive(archive, [{ suite: stable, debs: [step] }]);
      reportOf(await publish());
    }
    const { deltas, packages } = await checkPublished(out, home, stable);
    expect(deltas).toEqual(['tiny 1 -> 2 amd64']);
    const [entry] = packages.get('main/debshoal-amd64/Deltas') ?? [];
    expect(entry?.size).toBe(steps[2]?.bytes.length);
  });

  it('follows an archive back to an older version', async () => {
    const { archive, out, home, publish } = await newSite();
    for (const version of ['1', '3', '2']) {
      await writeArchive(archive, [{ suite: stable, debs: [await deb(version)] }]);
      reportOf(await publish());
    }
    expect((await checkPublished(out, home, stable)).deltas).toEqual(['tiny 1 -> 2 amd64']);
  });

  it('leaves out files that are missing or not what Packages says, and looks again', async () => {
    const { archive, out, home, publish } = await newSite();
    const other = (version: string) => deb(version, { package: 'other' });
    await writeArchive(archive, [{ suite: stable, debs: [await deb('1'), await other('1')] }]);
    await publish();
    const next = await deb('2');
    const late = await other('2');
    const wrong = { ...next, bytes: (await deb('9')).bytes, listed: listingOf(next) };
    await writeArchive(archive, [{ suite: stable, debs: [wrong, { ...late, isMissing: true }] }]);
    const result = await publish();
    expect(reportOf(result)).toMatchObject({ deltas: 0 });
    expect(result.stderr).toContain('tiny_2_amd64.deb');
    expect(result.stderr).toContain('other_2_amd64.deb');
    expect((await checkPublished(out, home, stable)).deltas).toEqual([]);

    await writeArchive(archive, [{ suite: stable, debs: [next, late] }]);
    // Version 1 was in no archive and no pair of the run before, and is forgotten.
    expect(reportOf(await publish())).toMatchObject({ packages: 2 });
    await checkPublished(out, home, stable);
  });

  it('gives a reason for pairs without a delta, and does not try them again', async () => {
    const { archive, out, home, publish } = await newSite();
    const broken = { ...(await deb('2', { package: 'broken' })), bytes: noise(5000) };
    const large = { ...(await deb('2', { package: 'large' })) };
    const fresh = await makeTinyDeb({
      package: 'large',
      version: '2',
      entries: [{ path: 'new', content: noise(200_000, 5) }],
      recipe: { kind: 'stored' },
    });
    await writeArchive(archive, [
      { suite: stable, debs: [await deb('1', { package: 'broken' }), await deb('1', { package: 'large' })] }, // prettier-ignore
    ]);
    await publish();
    await writeArchive(archive, [{ suite: stable, debs: [broken, { ...large, bytes: fresh }] }]);
    const result = await publish();
    expect(reportOf(result)).toMatchObject({ pairs: 2, deltas: 0, rejected: 2 });
    const state = JSON.parse(await readFile(join(home, 'state.json'), 'utf8')) as {
      rejected: { reason: string }[];
    };
    expect(state.rejected.map(({ reason }) => reason).sort()).toEqual([
      'deb-malformed',
      'too-large',
    ]);
    expect(reportOf(await publish())).toMatchObject({ pairs: 0, publishedSuites: [] });
    await checkPublished(out, home, stable);
  });

  it('makes the deltas from other versions when one cannot be read', async () => {
    const { archive, out, home, publish } = await newSite();
    const broken = { ...(await deb('3')), bytes: noise(5000) };
    for (const old of [await deb('1'), await deb('2'), broken]) {
      await writeArchive(archive, [{ suite: stable, debs: [old] }]);
      await publish();
    }
    await writeArchive(archive, [{ suite: stable, debs: [await deb('4')] }]);
    expect(reportOf(await publish())).toMatchObject({ pairs: 3, deltas: 2, rejected: 1 });
    const { deltas } = await checkPublished(out, home, stable);
    expect(deltas).toEqual(['tiny 1 -> 4 amd64', 'tiny 2 -> 4 amd64']);
  });

  it('publishes everything into a new folder, too', async () => {
    const { archive, home, publish } = await newSite();
    for (const version of ['1', '2']) {
      await writeArchive(archive, [{ suite: stable, debs: [await deb(version)] }]);
      await publish();
    }
    const other = join(await temporaryFolder(), 'other');
    const args = ['publish', archive, '--out', other, '--home', home, '--json'];
    expect(reportOf(await runGenerator(...args))).toMatchObject({ deltas: 1 });
    expect((await checkPublished(other, home, stable)).deltas).toEqual(['tiny 1 -> 2 amd64']);
  });

  it('signs anew when the key has changed', async () => {
    const { archive, out, home, publish } = await newSite();
    await writeArchive(archive, [{ suite: stable, debs: [await deb('1')] }]);
    await publish();
    await runGenerator(
      'init',
      '--home',
      home,
      '--force',
      '--name',
      'T',
      '--email',
      't@example.org',
    );
    expect(reportOf(await publish())).toMatchObject({ publishedSuites: [stable] });
    await checkPublished(out, home, stable);
  });
});

function listingOf({ bytes }: ArchivedDeb): { sha256: string; size: number } {
  const sum = execFileSync('sha256sum', { input: bytes, encoding: 'utf8' });
  return { sha256: sum.slice(0, 64), size: bytes.length };
}

describe('a run that is killed', () => {
  async function prepare(): Promise<Site> {
    const site = await newSite();
    const names = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'];
    for (const version of ['1', '2']) {
      const debs = await Promise.all(names.map((name) => deb(version, { package: name })));
      await writeArchive(site.archive, [{ suite: stable, debs }]);
      if (version === '1') reportOf(await site.publish());
    }
    return site;
  }

  it('is ended by the next, wherever it was', { timeout: 120_000 }, async () => {
    const site = await prepare();
    const { out, home } = site;
    for (let round = 0; round < 12; round++) {
      const { child, result } = startGenerator(site.args);
      const timer = setTimeout(() => child.kill('SIGKILL'), 150 + round * 90);
      await result;
      clearTimeout(timer);
      // Whatever was published stays whole at any moment.
      await checkPublished(out, home, stable, 'by-hash');
    }
    reportOf(await site.publish());
    const { deltas } = await checkPublished(out, home, stable);
    expect(deltas).toHaveLength(6);
    const [inOut, inHome] = [await listFiles(out), await listFiles(home)];
    expect([...inOut, ...inHome].filter((path) => path.includes('.debshoal-'))).toEqual([]);
    expect(inHome.filter((path) => /^(tmp|pending)/.test(path))).toEqual([]);
    // One batch each for its deltas, and no folder or torrent that nothing lists.
    const batches = await readdir(join(out, 'deltas'));
    const torrents = await readdir(join(out, 'torrents'));
    // And the whitelist.
    expect(torrents).toHaveLength(batches.length + 6 + 1);
  });

  it('removes what a killed run left unfinished or unlisted', async () => {
    const site = await prepare();
    const { out, home } = site;
    reportOf(await site.publish());
    const whole = await listFiles(out);
    for (const path of [
      'dists/stable/.debshoal-InRelease.0123',
      'dists/stable/main/debshoal-amd64/by-hash/SHA256/.debshoal-x.0123',
      'deltas/2000-01-01t000000z',
      'deltas/.debshoal-2000-01-01t000000z.0123',
      'torrents/2000-01-01t000000z.torrent',
    ]) {
      await writeFile(join(out, path), 'left over');
    }
    await writeFile(join(home, 'store/.debshoal-x.0123'), 'left over');
    expect(reportOf(await site.publish())).toMatchObject({ publishedSuites: [] });
    expect(await listFiles(out)).toEqual(whole);
    expect((await listFiles(home)).filter((path) => path.includes('.debshoal-'))).toEqual([]);
  });

  it('ends with status 130 at Ctrl-C and leaves no temporary files', async () => {
    const site = await prepare();
    for (const delay of [300, 700]) {
      const { child, result } = startGenerator(site.args);
      const timer = setTimeout(() => child.kill('SIGINT'), delay);
      const { status } = await result;
      clearTimeout(timer);
      // Null: the signal came before anyone listened.
      expect([0, 130, null]).toContain(status);
      const left = (await listFiles(site.home)).filter((path) => /^tmp|debshoal-/.test(path));
      expect(left).toEqual([]);
    }
    reportOf(await site.publish());
    expect((await checkPublished(site.out, site.home, stable)).deltas).toHaveLength(6);
  });
});

describe('two runs at once', () => {
  it('one works and the other says who does', async () => {
    const { archive, out, home, publish } = await newSite();
    await writeArchive(archive, [{ suite: stable, debs: [await deb('1')] }]);
    await publish();
    await writeArchive(archive, [{ suite: stable, debs: [await deb('2')] }]);
    const results = await Promise.all([publish(), publish()]);
    const statuses = results.map((result) => result.status);
    expect(statuses).toContain(0);
    // On a busy machine the second may begin after the first has ended.
    expect(statuses.every((status) => status === 0 || status === 51)).toBe(true);
    expect((await checkPublished(out, home, stable)).deltas).toEqual(['tiny 1 -> 2 amd64']);
  });
});
