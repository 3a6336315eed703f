import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import type { FetchReport } from '../../client/steps/report-fetch.js';
import { homePaths } from '../../generator/home/home-paths.js';
import { type Archive, makeArchive } from '../support/archive.js';
import { type Chroot, makeChroot } from '../support/chroot.js';
import { installClient, letAptFetchIndexes } from '../support/client-inside.js';
import { buildDeb } from '../support/dpkg-deb.js';
import { fixturePair } from '../support/fixture-pairs.js';
import { hostMirror } from '../support/host-mirror.js';
import { type HttpLog, serveWithLog } from '../support/http-log.js';
import { generator, LAB_SUITE } from '../support/lab.js';
import { needs } from '../support/needs.js';

// What a minimal system can install: tzdata has maintainer scripts, the font an epoch.
const PAIRS = ['tzdata', 'fonts-opensymbol'].map(fixturePair);
const NAMES = PAIRS.map((pair) => pair.package);
const HOOK_LIMIT = 600_000;
const NOTHING_TO_DO = /0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded/;
const describeHere = await needs('root', 'debootstrap', 'reprepro', 'gpg', 'mount', 'network');

for (const suite of ['bookworm', 'trixie'] as const) {
  describeHere(`expanded packages and the apt of ${suite}`, () => {
    let base: string;
    let archive: Archive;
    let chroot: Chroot;
    let mirror: HttpLog;
    /** The tree that the generator publishes, served by somebody else than the archive. */
    let site: HttpLog;
    let publicKey: string;
    const cleanUp: (() => Promise<unknown>)[] = [];

    const run = async (command: string, ...args: string[]): Promise<string> =>
      (await chroot.run(command, args)).stdout.toString();
    const debsAsked = (): string[] =>
      mirror.requests.map(({ path }) => path).filter((path) => path.endsWith('.deb'));
    const fetch = async (...args: string[]): Promise<FetchReport> =>
      JSON.parse(
        await run('debshoal', 'fetch', '--json', '--no-swarm', '--prefer', 'bytes', ...args),
      ) as FetchReport;

    /** What `plan` would have the packages rebuilt as. */
    const forms = async (...args: string[]): Promise<(string | null)[]> => {
      const answer = await run('debshoal', 'plan', '--json', '--prefer', 'bytes', ...args);
      const { packages } = JSON.parse(answer) as { packages: { form: string | null }[] };
      return packages.map(({ form }) => form);
    };

    beforeAll(async () => {
      base = await mkdtemp(join(tmpdir(), '.debshoal-'));
      cleanUp.push(() => rm(base, { recursive: true }));
      const [out, home] = [join(base, 'out'), join(base, 'home')];
      chroot = await makeChroot(suite);
      cleanUp.push(() => chroot.remove());
      await installClient(chroot);
      archive = await makeArchive(base, {
        suite: LAB_SUITE,
        architectures: ['amd64'],
        signed: true,
        deltas: out,
      });
      await generator('init', '--home', home, '--name', 'Lab', '--email', 'lab@example.org');
      publicKey = homePaths(home).publicKey;
      const publish = (): Promise<unknown> =>
        generator('publish', archive.folder, '--out', out, '--home', home);
      await archive.add(PAIRS.map((pair) => pair.oldDeb));
      await publish();
      await archive.add(PAIRS.map((pair) => pair.newDeb));
      await publish();
      await archive.export();
      // An archive's own deltas are beside its pool.
      await symlink(join(out, 'deltas'), join(archive.folder, 'deltas'));
      mirror = await serveWithLog(archive.folder);
      cleanUp.push(() => mirror.close());
      site = await serveWithLog(out);
      cleanUp.push(() => site.close());
      await copyFile(archive.keyFile ?? '', join(chroot.folder, 'etc/apt/lab.gpg'));
      for (const pair of PAIRS)
        await copyFile(pair.oldDeb, join(chroot.folder, `${pair.name}.deb`));
      await mkdir(join(chroot.folder, 'etc/debshoal/sources.d'), { recursive: true });
    }, HOOK_LIMIT);

    afterAll(async () => {
      for (const step of cleanUp.splice(0).reverse()) await step();
    }, HOOK_LIMIT);

    /** `list`: in /etc/apt/sources.list, as Debian's installer writes it; or in sources.list.d. */
    const setSources = async (where: 'list' | 'part'): Promise<void> => {
      const line = archive.sourceLine(mirror.url, '/etc/apt/lab.gpg');
      await chroot.setSources(where === 'list' ? line : '# see sources.list.d\n');
      const part = join(chroot.folder, 'etc/apt/sources.list.d/lab.list');
      if (where === 'part') await writeFile(part, line);
    };

    beforeEach(async () => {
      await run('debshoal', 'clean', '--all');
      await rm(join(chroot.folder, 'etc/debshoal/sources.d/site.sources'), { force: true });
      await run('dpkg', '-i', ...PAIRS.map((pair) => `/${pair.name}.deb`));
      await run('apt-get', '-qq', 'clean');
      await setSources('list');
      await letAptFetchIndexes(chroot, true);
      await run('apt-get', '-qq', 'update');
      mirror.forget();
    }, HOOK_LIMIT);

    const expectWaiting = async (report: FetchReport): Promise<void> => {
      for (const name of NAMES) {
        const result = report.packages.find((one) => one.package === name);
        expect(result).toMatchObject({ route: 'delta', form: 'expanded', handedOver: true });
        const policy = await run('apt-cache', 'policy', name);
        // The archive's priority, and no pin.
        expect(policy).toMatch(/Candidate.*\n.*\n +\S+ 500\n +500 file:\/var\/lib\/debshoal\//);
        expect(policy).not.toContain('Package pin');
      }
    };

    /** Installed, once and for all, and we are gone. */
    const expectUpgraded = async (): Promise<void> => {
      for (const pair of PAIRS) {
        const format = '${Version} ${db:Status-Status}';
        const shown = await run('dpkg-query', '-W', '-f', format, pair.package);
        expect(shown).toBe(`${pair.newVersion} installed`);
        const policy = await run('apt-cache', 'policy', pair.package);
        expect(policy).toContain(`Installed: ${pair.newVersion}\n  Candidate: ${pair.newVersion}`);
        expect(policy).toContain(mirror.url);
        expect(policy).not.toContain('file:');
      }
      expect(await run('dpkg', '--verify', ...NAMES)).toBe('');
      expect(await run('apt-get', '-y', 'upgrade')).toMatch(NOTHING_TO_DO);
      const { stdout, stderr } = await chroot.run('apt-get', ['-q', 'update']);
      expect(stderr).toBe('');
      expect(stdout.toString()).not.toContain('file:');
      expect(await run('apt-get', '-y', 'dist-upgrade')).toMatch(NOTHING_TO_DO);
      expect(await aptLinks()).toEqual([]);
      expect(await readdir(join(chroot.folder, 'var/lib/debshoal'))).not.toContain('repository');
      const lists = await readdir(join(chroot.folder, 'var/lib/apt/lists'));
      expect(lists.filter((name) => name.includes('debshoal_repository'))).toEqual([]);
    };

    /** What we have put into /etc/apt, beside what the package installs. */
    const aptLinks = async (): Promise<string[]> => {
      const names = await readdir(join(chroot.folder, 'etc/apt'), { recursive: true });
      return names.filter((name) => /(?:00|01|99)debshoal/.test(name));
    };

    for (const where of ['list', 'part'] as const) {
      test(`an archive's own index, its source in a ${where}: installed, and gone`, async () => {
        await setSources(where);
        await run('apt-get', '-qq', 'update');
        await expectWaiting(await fetch());
        const links = await aptLinks();
        expect(links).toHaveLength(where === 'list' ? 3 : 1);
        // Again: nothing to do, and what waits goes on waiting.
        const again = await fetch();
        expect(again.packages.map(({ route }) => route)).toEqual(['ready', 'ready']);
        expect(again.httpBytes).toBe(0);
        // apt's own update keeps what waits, in its place.
        await run('apt-get', '-q', 'update');
        const upgrade = await chroot.run('apt-get', ['-y', 'upgrade']);
        // Such as: apt's own user cannot read something of ours.
        expect(upgrade.stderr).not.toMatch(/^[WN]:/m);
        const output = upgrade.stdout.toString();
        expect(output.match(/Get:\d+ file:\/var\/lib\/debshoal/g)).toHaveLength(PAIRS.length);
        expect(debsAsked()).toEqual([]);
        await expectUpgraded();
      });
    }

    test('a third party’s index: exact, unless the user says that it may vouch', async () => {
      await letAptFetchIndexes(chroot, false);
      await run('apt-get', '-qq', 'update');
      const debshoal = join(chroot.folder, 'etc/debshoal');
      await copyFile(publicKey, join(debshoal, 'site.asc'));
      const lines = [`URIs: ${site.url}`, `Suites: ${LAB_SUITE}`, 'Components: main'];
      const source = `${lines.join('\n')}\nSigned-By: /etc/debshoal/site.asc\n`;
      await writeFile(join(debshoal, 'sources.d/site.sources'), source);
      expect(await forms()).toEqual(['exact', 'exact']);
      expect(await forms('--expanded', 'always')).toEqual(['expanded', 'expanded']);
      await writeFile(join(debshoal, 'sources.d/site.sources'), `${source}Allow-Expanded: yes\n`);
      expect(await forms('--expanded', 'never')).toEqual(['exact', 'exact']);
      await expectWaiting(await fetch());
      expect(await run('apt-get', '-y', 'upgrade')).toContain('Get:1 file:/var/lib/debshoal');
      expect(debsAsked()).toEqual([]);
      await expectUpgraded();
    });

    test('a third party’s index that apt itself fetched is still a third party’s', async () => {
      const line = archive.sourceLine(mirror.url, '/etc/apt/lab.gpg');
      await chroot.setSources(line.replace('[', '[target=Packages '));
      await copyFile(publicKey, join(chroot.folder, 'etc/apt/site.asc'));
      const lines = ['Types: deb', `URIs: ${site.url}`, `Suites: ${LAB_SUITE}`, 'Components: main'];
      const source = [...lines, 'Targets: Debshoal', 'Signed-By: /etc/apt/site.asc', ''].join('\n');
      await writeFile(join(chroot.folder, 'etc/apt/sources.list.d/site.sources'), source);
      await run('apt-get', '-qq', 'update');
      expect(await forms()).toEqual(['exact', 'exact']);
      expect(await forms('--expanded', 'always')).toEqual(['expanded', 'expanded']);
    });

    test('--expanded never takes back what an earlier run listed', async () => {
      await expectWaiting(await fetch());
      const { packages } = await fetch('--expanded', 'never');
      expect(packages.map(({ route, form }) => `${route} ${String(form)}`)).toEqual([
        'delta exact',
        'delta exact',
      ]);
      expect(await aptLinks()).toEqual([]);
      await run('apt-get', '-y', 'upgrade');
      expect(debsAsked()).toEqual([]);
      await expectUpgraded();
    });

    test('one package of two is upgraded: the other goes on waiting', async () => {
      await expectWaiting(await fetch());
      const [first = '', second = ''] = NAMES;
      await run('apt-get', '-y', 'install', first);
      expect(await run('apt-cache', 'policy', second)).toContain('file:/var/lib/debshoal/');
      await run('apt-get', '-y', 'upgrade');
      expect(debsAsked()).toEqual([]);
      await expectUpgraded();
    });

    test('clean --all: apt goes to the archive', async () => {
      await expectWaiting(await fetch());
      await run('debshoal', 'clean', '--all');
      await run('apt-get', '-y', 'upgrade');
      expect(debsAsked()).toHaveLength(PAIRS.length);
      await expectUpgraded();
    });

    test('our folder is deleted: apt is as without us', async () => {
      await expectWaiting(await fetch());
      await rm(join(chroot.folder, 'var/lib/debshoal'), { recursive: true });
      expect((await chroot.run('apt-get', ['-q', 'update'])).stderr).toBe('');
      await run('apt-get', '-y', 'upgrade');
      expect(debsAsked()).toHaveLength(PAIRS.length);
      await run('debshoal', 'clean', '--all');
    });

    test('unattended-upgrades takes them, as the archive’s own', async () => {
      const debian = `deb ${await hostMirror()} ${suite} main\n`;
      await writeFile(join(chroot.folder, 'etc/apt/sources.list.d/debian.list'), debian);
      await run('apt-get', '-qq', 'update');
      const install = ['install', '-y', '-qq', '--no-install-recommends'];
      await run('apt-get', ...install, 'unattended-upgrades');
      await setSources('list');
      await run('apt-get', '-qq', 'update');
      // Only what the lab's Release names, whoever delivers it; the packages one by one.
      const allowed = '#clear Unattended-Upgrade::Origins-Pattern;\n';
      const pattern = `Unattended-Upgrade::Origins-Pattern { "origin=Lab,codename=${LAB_SUITE}"; };\n`;
      const config = join(chroot.folder, 'etc/apt/apt.conf.d/60unattended-lab');
      await writeFile(config, `${allowed}${pattern}Unattended-Upgrade::MinimalSteps "true";\n`);
      await expectWaiting(await fetch());
      mirror.forget();
      const output = await run('unattended-upgrade', '-v');
      for (const name of NAMES) expect(output).toContain(name);
      expect(debsAsked()).toEqual([]);
      await rm(config);
      await expectUpgraded();
    });

    test('then a newer version, without us', async () => {
      await expectWaiting(await fetch());
      await run('apt-get', '-y', 'upgrade');
      await expectUpgraded();
      const Version = '2099a-1';
      const newer = { Package: 'tzdata', Version, Architecture: 'all', Description: 'newer' };
      await archive.add([await buildDeb(base, newer, { '/usr/share/doc/tzdata/NEWS': 'newer' })]);
      await run('apt-get', '-q', 'update');
      mirror.forget();
      await run('apt-get', '-y', 'upgrade');
      expect(await run('dpkg-query', '-W', '-f', '${Version}', 'tzdata')).toBe(Version);
      expect(debsAsked()).toHaveLength(1);
      expect(await run('apt-get', '-y', 'upgrade')).toMatch(NOTHING_TO_DO);
    });
  });
}
