import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { STATE_FOLDER } from '../../client/store/folders.js';
import { openSpeedStore } from '../../client/store/speeds.js';
import type { HomePaths } from '../../generator/home/home-paths.js';
import type { PublishReport } from '../../generator/publish.js';
import { runTool } from '../../shared/io/run-tool.js';
import { type Archive, makeArchive } from '../support/archive.js';
import { type Chroot, makeChroot } from '../support/chroot.js';
import { runCli, startCli, type RunningCli } from '../support/cli.js';
import { buildDeb } from '../support/dpkg-deb.js';
import { cacheName, fixturePair } from '../support/fixture-pairs.js';
import { type HttpLog, serveWithLog } from '../support/http-log.js';
import { fetchInto, generator, LAB_SUITE } from '../support/lab.js';
import { needs } from '../support/needs.js';

// What a minimal system can install: maintainer scripts, an epoch, conffiles.
const PAIRS = ['tzdata', 'fonts-opensymbol', 'openssl'].map(fixturePair);
const NAMES = PAIRS.map((pair) => pair.package);
const HOOK_LIMIT = 600_000;
const MAX_OUTPUT = 1 << 20;
const describeHere = await needs(
  'root',
  'debootstrap',
  'reprepro',
  'gpg',
  'gpgv',
  'aria2c',
  'network',
);

interface ServedAddresses {
  readonly httpUrl: string;
  readonly seeding: number;
}

// The tests are the steps of one story: each needs those before it.
describeHere('the whole way, from reprepro to dpkg', () => {
  let base: string;
  let out: string;
  let home: HomePaths;
  let archive: Archive;
  let mirror: HttpLog;
  let chroot: Chroot;
  let site: ServedAddresses;
  const cleanUp: (() => unknown)[] = [];

  const debsAsked = (): string[] =>
    mirror.requests.map(({ path }) => path).filter((path) => path.endsWith('.deb'));

  const installOld = async (): Promise<void> => {
    const debs = PAIRS.map((pair) => `/${pair.name}.deb`);
    await chroot.run('dpkg', ['-i', '/dependencies.deb', ...debs]);
    await chroot.run('apt-get', ['-qq', 'clean']);
    await chroot.run('apt-get', ['-qq', 'update']);
  };

  /** apt finishes, dpkg has the new versions, and every file is as its package says. */
  const upgrade = async (): Promise<void> => {
    await chroot.run('apt-get', ['-qq', '-y', 'upgrade']);
    for (const pair of PAIRS) {
      const format = '${Version} ${db:Status-Status}';
      const shown = await chroot.run('dpkg-query', ['-W', '-f', format, pair.package]);
      expect(shown.stdout.toString()).toBe(`${pair.newVersion} installed`);
    }
    const verified = await chroot.run('dpkg', ['--verify', ...NAMES]);
    expect(verified.stdout.toString()).toBe('');
  };

  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), '.debshoal-'));
    cleanUp.push(() => rm(base, { recursive: true }));
    out = join(base, 'out');
    chroot = await makeChroot('bookworm');
    cleanUp.push(() => chroot.remove());
    archive = await makeArchive(base, { suite: LAB_SUITE, architectures: ['amd64'], signed: true });
    await archive.add(PAIRS.map((pair) => pair.oldDeb));
    mirror = await serveWithLog(archive.folder);
    cleanUp.push(() => mirror.close());
    await copyFile(archive.keyFile ?? '', join(chroot.folder, 'etc/apt/lab.gpg'));
    await chroot.setSources(archive.sourceLine(mirror.url, '/etc/apt/lab.gpg'));
    for (const pair of PAIRS) await copyFile(pair.oldDeb, join(chroot.folder, `${pair.name}.deb`));
    // openssl wants a library that a minimal system has not.
    const dependencies = await buildDeb(base, {
      Package: 'journey-dependencies',
      Version: '1',
      Architecture: 'amd64',
      Provides: 'libssl3 (= 3.0.22)',
    });
    await copyFile(dependencies, join(chroot.folder, 'dependencies.deb'));
    await installOld();
  }, HOOK_LIMIT);

  afterAll(async () => {
    for (const step of cleanUp.splice(0).reverse()) await step();
  }, HOOK_LIMIT);

  test('init, publish; reprepro replaces the packages; publish, serve', async () => {
    const port = await freePort();
    const homeFolder = join(base, 'generator');
    const identity = ['--name', 'Journey', '--email', 'journey@example.org'];
    const announce = `http://127.0.0.1:${port}/announce`;
    const init = ['init', '--home', homeFolder, ...identity, '--announce', announce];
    home = ((await generator(...init)) as { paths: HomePaths }).paths;
    const publish = async (): Promise<PublishReport> =>
      (await generator(
        'publish',
        archive.folder,
        '--out',
        out,
        '--home',
        homeFolder,
      )) as PublishReport;
    expect(await publish()).toMatchObject({ packages: PAIRS.length, deltas: 0 });

    const poolDebs = async (): Promise<number> =>
      (await readdir(join(archive.folder, 'pool'), { recursive: true })).filter((name) =>
        name.endsWith('.deb'),
      ).length;
    await archive.add(PAIRS.map((pair) => pair.newDeb));
    expect(await poolDebs()).toBe(PAIRS.length);
    expect(await publish()).toMatchObject({ deltas: PAIRS.length, rejected: 0 });
    expect(await publish()).toMatchObject({ deltas: 0, publishedSuites: [] });

    const ports = ['--http-port', '0', '--tracker-port', String(port), '--swarm-port', '0'];
    const serving = startCli('generator', [
      'serve',
      out,
      '--host',
      '127.0.0.1',
      ...ports,
      '--json',
    ]);
    cleanUp.push(async () => {
      serving.child.kill('SIGTERM');
      await serving.ended;
    });
    site = await addresses(serving);
    // One batch, and the full .debs.
    expect(site.seeding).toBe(1 + PAIRS.length);
  });

  test('Debian’s gpgv accepts the signatures', async () => {
    const dists = join(out, 'dists', LAB_SUITE);
    const gpgv = (...args: string[]): Promise<unknown> =>
      runTool('gpgv', ['--keyring', home.keyring, ...args], { maxOutput: MAX_OUTPUT });
    await gpgv(join(dists, 'InRelease'));
    await gpgv(join(dists, 'Release.gpg'), join(dists, 'Release'));
  });

  test('aria2 gets the batch through our tracker from our seeder', async () => {
    const [batch = ''] = await readdir(join(out, 'deltas'));
    const target = join(base, 'aria2');
    const only = ['--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false'];
    const local = ['--enable-peer-exchange=false', '--disable-ipv6=true', '--interface=127.0.0.1'];
    const ends = ['--no-conf', '--seed-time=0', '--follow-torrent=false', '--bt-stop-timeout=30'];
    const torrent = join(out, 'torrents', `${batch}.torrent`);
    const files = [`--dir=${target}`, `--torrent-file=${torrent}`];
    await runTool('aria2c', [...ends, ...only, ...local, ...files], { maxOutput: MAX_OUTPUT });
    const names = await readdir(join(out, 'deltas', batch));
    expect(names).toHaveLength(PAIRS.length);
    expect((await readdir(join(target, batch))).sort()).toEqual(names.sort());
    for (const name of names) {
      const [got, published] = await Promise.all(
        [target, join(out, 'deltas')].map((folder) => readFile(join(folder, batch, name))),
      );
      expect(published?.equals(got ?? Buffer.alloc(0))).toBe(true);
    }
  });

  test('apt itself fetches and verifies our index as a source with Targets', async () => {
    const etc = join(chroot.folder, 'etc/apt');
    await copyFile(home.publicKey, join(etc, 'debshoal.asc'));
    await writeFile(
      join(etc, 'apt.conf.d/50debshoal'),
      `Acquire::IndexTargets::deb::Debshoal { MetaKey "$(COMPONENT)/debshoal-$(ARCHITECTURE)/Deltas";
  ShortDescription "Deltas"; Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Deltas";
  KeepCompressed "false"; };\n`,
    );
    const source = [
      'Types: deb',
      `URIs: ${site.httpUrl}`,
      `Suites: ${LAB_SUITE}`,
      'Components: main',
    ];
    const trust = ['Targets: Debshoal', 'Signed-By: /etc/apt/debshoal.asc', ''];
    await writeFile(join(etc, 'sources.list.d/debshoal.sources'), [...source, ...trust].join('\n'));
    const { stderr } = await chroot.run('apt-get', ['-q', 'update']);
    expect(stderr).toBe('');
    const lists = join(chroot.folder, 'var/lib/apt/lists');
    const [kept = ''] = (await readdir(lists)).filter((name) => name.endsWith('_Deltas'));
    const index = join(out, 'dists', LAB_SUITE, 'main/debshoal-amd64/Deltas');
    expect(await readFile(join(lists, kept), 'utf8')).toBe(await readFile(index, 'utf8'));
  });

  test('plan: all by delta', async () => {
    const debshoal = join(chroot.folder, 'etc/debshoal');
    await mkdir(join(debshoal, 'sources.d'), { recursive: true });
    await copyFile(home.publicKey, join(debshoal, 'journey.asc'));
    const lines = [`URIs: ${site.httpUrl}`, `Suites: ${LAB_SUITE}`, 'Components: main'];
    const source = [...lines, 'Signed-By: /etc/debshoal/journey.asc', ''].join('\n');
    await writeFile(join(debshoal, 'sources.d/journey.sources'), source);
    const { status, json } = await runCli('client', [
      ...['plan', '--root', chroot.folder, '--json', '--prefer', 'bytes'],
    ]);
    expect(status).toBe(0);
    const { packages } = json as { packages: { package: string }[] };
    for (const { package: name, oldVersion, newVersion } of PAIRS) {
      const expected = { package: name, oldVersion, newVersion, route: 'delta' };
      expect(packages).toContainEqual(expect.objectContaining(expected));
    }
    expect(packages).toHaveLength(PAIRS.length);
  });

  test('fetch, then apt upgrades without asking its mirror for a .deb', async () => {
    mirror.forget();
    const run = await fetchInto(chroot.folder);
    for (const pair of PAIRS) {
      const { deltaBytes, peerBytes, httpBytes, ...result } = run.package(pair);
      expect(result).toMatchObject({ route: 'delta', verified: true, handedOver: true });
      expect(peerBytes + httpBytes).toBe(deltaBytes);
      expect(result.predictedSeconds).toBeGreaterThan(0);
    }
    // What was seen of this machine is kept for the next plan.
    expect(run.report?.predictionError).toBeGreaterThan(0);
    const store = await openSpeedStore(join(chroot.folder, STATE_FOLDER), 'read-only');
    expect(store.medianError).toBe(run.report?.predictionError);
    const waiting = await readdir(join(chroot.folder, 'var/cache/apt/archives/partial'));
    expect(waiting.sort()).toEqual(PAIRS.map(cacheName).sort());

    // Until apt is asked nothing is fetched again.
    const again = await fetchInto(chroot.folder);
    for (const pair of PAIRS) {
      expect(again.package(pair)).toMatchObject({ route: 'ready', peerBytes: 0, httpBytes: 0 });
    }

    await upgrade();
    expect(debsAsked()).toEqual([]);
    expect((await fetchInto(chroot.folder)).json).toMatchObject({ packages: [], fullBytes: 0 });
  });

  test('a removed and a changed file: those come whole, and dpkg has the same in the end', async () => {
    await installOld();
    await rm(join(chroot.folder, 'usr/share/doc/tzdata/changelog.Debian.gz'));
    await writeFile(join(chroot.folder, 'usr/share/doc/fonts-opensymbol/copyright'), 'mine now');
    mirror.forget();
    const run = await fetchInto(chroot.folder);
    expect(PAIRS.map((pair) => [run.package(pair).route, run.package(pair).error?.code])).toEqual([
      ['full', 'source-changed'],
      ['full', 'source-changed'],
      ['delta', undefined],
    ]);
    mirror.forget();
    await upgrade();
    expect(debsAsked()).toEqual([]);
  });

  test('without us apt upgrades as ever', async () => {
    await installOld();
    mirror.forget();
    await upgrade();
    expect(debsAsked()).toHaveLength(PAIRS.length);
  });
});

/** Trackers are named in torrents, so their port has to be known before there is one. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** What `serve --json` prints when it is ready. */
async function addresses(serving: RunningCli): Promise<ServedAddresses> {
  for (;;) {
    const [line, rest] = serving.stdout().split('\n');
    if (line !== undefined && rest !== undefined) return JSON.parse(line) as ServedAddresses;
    if (serving.child.exitCode !== null) throw new Error((await serving.ended).stderr);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
