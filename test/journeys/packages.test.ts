import { spawn, type ChildProcess } from 'node:child_process';
import {
  appendFile,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { writePlainArchive } from '../../bench/main-job/plain-archive.js';
import { exists } from '../../shared/io/files.js';
import { sha256 } from '../../shared/io/hash.js';
import { runTool } from '../../shared/io/run-tool.js';
import { type Chroot, makeChroot } from '../support/chroot.js';
import { controlOf } from '../support/dpkg-deb.js';
import { listFiles } from '../support/file-list.js';
import { fixturePair } from '../support/fixture-pairs.js';
import { type HttpLog, serveWithLog } from '../support/http-log.js';
import { needs } from '../support/needs.js';
import {
  buildClientPackage,
  buildPackages,
  nextVersion,
  PROJECT,
  type BuiltPackages,
} from '../support/packages.js';
import { makeTinyDeb } from '../support/tiny-deb.js';
import { hasTool } from '../support/tools.js';

/** Only to end a hanging mirror: the first chroot of a day is downloaded. */
const HOOK_LIMIT = 600_000;
const describeHere = await needs('root', 'debootstrap', 'network', 'dpkg-shlibdeps', 'strip');

const TINY = 'tiny';

const SNIPPETS = [
  '50debshoal-index',
  '60debshoal-http',
  '60debshoal-https',
  '60debshoal-prefetch',
  '90debshoal-clean',
];

let base: string;
let built: BuiltPackages;
let upgrade: string;
let mirror: HttpLog;
const chroots = new Map<string, Chroot>();
const cleanUp: (() => Promise<unknown>)[] = [];

describeHere('the Debian packages', () => {
  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), '.debshoal-packages-'));
    cleanUp.push(() => rm(base, { recursive: true }));
    built = await buildPackages(base);
    upgrade = await nextVersion(built.client, join(base, 'next.deb'));
    const archive = join(base, 'archive');
    const tiny = join(base, `${TINY}_1_amd64.deb`);
    await writeFile(tiny, await makeTinyDeb({ package: TINY }));
    await mkdir(archive);
    // Ours depend on it; everything else is in a minimal Debian.
    await runTool('apt-get', ['-qq', 'download', 'bubblewrap'], { maxOutput: 4096, cwd: base });
    const bubblewrap = (await readdir(base)).filter((name) => name.startsWith('bubblewrap_'));
    const debs = [tiny, ...bubblewrap.map((name) => join(base, name))];
    const contents = { suite: 'lab', architectures: ['amd64'], debs, controlOf };
    await writePlainArchive(archive, contents);
    mirror = await serveWithLog(archive);
    cleanUp.push(() => mirror.close());
  }, HOOK_LIMIT);

  afterAll(async () => {
    for (const step of cleanUp.splice(0).reverse()) await step();
  }, HOOK_LIMIT);

  test.each(['bookworm', 'trixie'] as const)(
    'in %s: install, enable, upgrade, remove, purge; apt works at each stage, nothing is left',
    async (suite) => {
      const chroot = await cleanSystem(suite);
      const before = await listFiles(chroot.folder, isOfPackageManagers);
      const files = (folder: string): Promise<string[]> => readdir(join(chroot.folder, folder));

      await install(chroot, built.client);
      expect(await output(chroot, 'debshoal', '--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
      const { fields } = JSON.parse(await output(chroot, 'debshoal', 'config', '--json')) as {
        fields: { from: string }[];
      };
      expect(new Set(fields.map(({ from }) => from))).toEqual(new Set(['default']));
      expect(await doctor(chroot)).toMatchObject({
        settings: ['ok'],
        apt: ['ok', ...SNIPPETS.map(() => 'warning')],
        daemon: ['warning'],
        index: ['warning'],
        network: ['ok'],
        clock: ['ok'],
        encoders: ['ok'],
      });
      // Nothing changes by itself.
      expect((await files('etc/apt/apt.conf.d')).join()).not.toContain('debshoal');

      await chroot.run('debshoal', ['enable', '--share', 'lan']);
      expect(await files('etc/apt/apt.conf.d')).toEqual(expect.arrayContaining(SNIPPETS));
      await aptWorks(chroot);

      expect(await doctor(chroot)).toMatchObject({
        // And a method for each scheme.
        apt: ['ok', ...SNIPPETS.map(() => 'ok'), 'ok', 'ok'],
        daemon: ['problem'],
        network: ['ok'],
        clock: ['ok'],
      });

      const daemon = await startDaemon(chroot);
      // The kernel knows no user namespaces in a chroot.
      expect(await doctor(chroot)).toMatchObject({ daemon: ['ok', 'warning'] });
      await aptWorks(chroot);
      const status = JSON.parse(await output(chroot, 'debshoal', 'status', '--json')) as unknown;
      expect(status).toMatchObject({
        sharing: { scope: 'lan' },
        // The swarm runs, with all that it loads.
        peers: { port: expect.any(Number) as number },
      });
      // Killed as the kernel does: what it leaves shall disturb nobody.
      daemon.kill('SIGKILL');
      await aptWorks(chroot);

      const settings = join(chroot.folder, 'etc/debshoal');
      await appendFile(join(settings, 'debshoal.conf'), 'Patience: 61\n');
      await writeFile(join(settings, 'conf.d/local.conf'), 'Port: 6999\n');
      await install(chroot, upgrade);
      expect(await output(chroot, 'dpkg-query', '-Wf', '${Version}', 'debshoal')).toMatch(/\.1$/);
      expect(await files('etc/apt/apt.conf.d')).toEqual(expect.arrayContaining(SNIPPETS));
      expect(JSON.parse(await output(chroot, 'debshoal', 'config', '--json'))).toMatchObject({
        settings: { patienceSeconds: 61, port: 6999, share: 'lan' },
      });
      await aptWorks(chroot);

      await chroot.run('apt-get', ['-qq', '-y', 'remove', 'debshoal']);
      expect((await files('etc/apt/apt.conf.d')).join()).not.toContain('debshoal');
      await aptWorks(chroot);

      await chroot.run('apt-get', ['-qq', '-y', 'purge', 'debshoal']);
      await aptWorks(chroot);
      expect(await listFiles(chroot.folder, isOfPackageManagers)).toEqual(before);
    },
  );

  test('a package that dpkg removes with force, enabled, leaves an apt that works', async () => {
    const chroot = await cleanSystem('bookworm');
    await install(chroot, built.client);
    await chroot.run('debshoal', ['enable']);
    // The program is gone before its prerm can ask it for anything.
    await rm(join(chroot.folder, 'usr/lib/debshoal'), { recursive: true });
    await aptWorks(chroot);
    await chroot.run('dpkg', ['--purge', 'debshoal']);
    const snippets = await readdir(join(chroot.folder, 'etc/apt/apt.conf.d'));
    expect(snippets.join()).not.toContain('debshoal');
    await aptWorks(chroot);
  });

  test.skipIf(!hasTool('lintian'))('lintian has nothing to say (needs lintian)', async () => {
    // Only for tests are they not compressed.
    const tags = ['data', 'control'].map((member) => `uses-no-compression-for-${member}-tarball`);
    const args = ['--fail-on', 'error,warning', '--suppress-tags', tags.join(','), '--allow-root'];
    await runTool('lintian', [...args, built.client, built.generator], { maxOutput: 1 << 20 });
  });

  test('the same source in another folder, with another umask: the same bytes', async () => {
    const project = join(base, 'elsewhere');
    await mkdir(project);
    for (const name of await readdir(PROJECT)) {
      if (name !== 'dist') await symlink(join(PROJECT, name), join(project, name));
    }
    await cp(join(PROJECT, 'dist'), join(project, 'dist'), { recursive: true });
    // Of a source that was there when somebody built.
    await writeFile(join(project, 'dist/client/stale.js'), "import 'vitest';\n");
    const umask = process.umask(0o077);
    try {
      const again = await buildClientPackage(join(base, 'again'), project);
      expect(sha256(await readFile(again))).toBe(sha256(await readFile(built.client)));
    } finally {
      process.umask(umask);
    }
  });

  test('debshoal-generator: install, init, publish, purge', async () => {
    const chroot = await cleanSystem('bookworm');
    const before = await listFiles(chroot.folder, isOfPackageManagers);
    await install(chroot, built.generator);
    const pair = fixturePair('tzdata');
    const script = `set -eu
mkdir -p archive/pool archive/dists/lab/main/binary-all && cd archive
publish() { cp /debs/$1.deb pool/; (cd /archive
  for deb in pool/*.deb; do dpkg-deb -f "$deb" Package Version Architecture
    printf 'Filename: %s\\nSize: %s\\nSHA256: %s\\n\\n' "$deb" "$(stat -c %s "$deb")" \\
      "$(sha256sum "$deb" | cut -d' ' -f1)"; done >dists/lab/main/binary-all/Packages
  cd dists/lab; printf 'Suite: lab\\nCodename: lab\\nComponents: main\\nArchitectures: amd64 all\\nDate: %s\\nSHA256:\\n %s %s main/binary-all/Packages\\n' \\
    "$(date -Ru)" "$(sha256sum main/binary-all/Packages | cut -d' ' -f1)" \\
    "$(stat -c %s main/binary-all/Packages)" >Release)
  debshoal-generator publish /archive --out /out --home /home-of-it; }
debshoal-generator init --home /home-of-it --name Lab --email lab@example.org
publish old
publish new
`;
    await mkdir(join(chroot.folder, 'debs'));
    await copyFile(pair.oldDeb, join(chroot.folder, 'debs/old.deb'));
    await copyFile(pair.newDeb, join(chroot.folder, 'debs/new.deb'));
    await writeFile(join(chroot.folder, 'publish.sh'), script);
    await chroot.run('sh', ['/publish.sh']);
    const made = await readdir(join(chroot.folder, 'out/deltas'), { recursive: true });
    expect(made.filter((name) => name.endsWith('.delta'))).toHaveLength(1);
    await chroot.run('apt-get', ['-qq', '-y', 'purge', 'debshoal-generator']);
    for (const name of ['archive', 'debs', 'home-of-it', 'out', 'publish.sh']) {
      await rm(join(chroot.folder, name), { recursive: true });
    }
    expect(await listFiles(chroot.folder, isOfPackageManagers)).toEqual(before);
  });
});

/** A chroot with an archive of one package and of what ours depend on; each test leaves it so. */
async function cleanSystem(suite: 'bookworm' | 'trixie'): Promise<Chroot> {
  const made = chroots.get(suite);
  if (made !== undefined) return made;
  const chroot = await makeChroot(suite);
  chroots.set(suite, chroot);
  cleanUp.push(() => chroot.remove());
  await chroot.setSources(`deb [trusted=yes] ${mirror.url} lab main\n`);
  await runTool('mount', ['-t', 'proc', 'proc', join(chroot.folder, 'proc')], { maxOutput: 0 });
  await chroot.run('apt-get', ['-qq', 'update']);
  await chroot.run('apt-get', ['-qq', '-y', 'install', 'bubblewrap']);
  return chroot;
}

async function install(chroot: Chroot, deb: string): Promise<void> {
  await copyFile(deb, join(chroot.folder, 'package.deb'));
  await chroot.run('apt-get', ['-qq', '-y', '--no-install-recommends', 'install', '/package.deb']);
  await rm(join(chroot.folder, 'package.deb'));
}

async function output(chroot: Chroot, ...[command, ...args]: [string, ...string[]]) {
  return (await chroot.run(command, args)).stdout.toString();
}

/** The levels of what `debshoal doctor` says, by area. */
async function doctor(chroot: Chroot): Promise<Readonly<Record<string, readonly string[]>>> {
  const { stdout } = await chroot.run('debshoal', ['doctor', '--json'], [0, 3]);
  const { findings } = JSON.parse(stdout.toString()) as {
    findings: { area: string; level: string }[];
  };
  const levels: Record<string, string[]> = {};
  for (const { area, level } of findings) (levels[area] ??= []).push(level);
  return levels;
}

/** As its unit does: a folder in /run, its own user. */
async function startDaemon(chroot: Chroot): Promise<ChildProcess> {
  const { folder } = chroot;
  await chroot.run('install', ['-d', '-o', 'debshoal', '-g', 'debshoal', '/run/debshoal']);
  const args = ['--userspec=debshoal:debshoal', folder, 'debshoal', 'daemon'];
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/nonexistent', LC_ALL: 'C' };
  const child = spawn('chroot', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  cleanUp.push(() => Promise.resolve(child.kill('SIGKILL')));
  await expect
    .poll(() => exists(join(folder, 'run/debshoal/socket')), { timeout: 60_000 })
    .toBe(true);
  return child;
}

/** Lists come, a package comes, is installed and goes. */
async function aptWorks(chroot: Chroot): Promise<void> {
  await chroot.run('apt-get', ['-qq', 'update']);
  await chroot.run('apt-get', ['-qq', 'clean']);
  await chroot.run('apt-get', ['-qq', '-y', 'install', TINY]);
  await chroot.run('dpkg', ['--purge', TINY]);
}

/** Their lists, logs, caches and backups change with whatever is installed. */
function isOfPackageManagers(path: string): boolean {
  return (
    /^\/(?:proc|sys|dev|tmp|var\/lib\/(?:dpkg|apt)|var\/log|var\/cache\/(?:apt|debconf|ldconfig))\//.test(
      `${path}/`,
    ) ||
    /^\/etc\/(?:(?:passwd|shadow|group|gshadow|subuid|subgid)-|ld\.so\.cache|\.pwd\.lock)$/.test(
      path,
    )
  );
}
