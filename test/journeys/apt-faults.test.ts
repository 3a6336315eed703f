import { rmSync } from 'node:fs';
import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { runTool, type ToolResult } from '../../shared/io/run-tool.js';
import { exists } from '../../shared/io/files.js';
import { hostMirror } from '../support/host-mirror.js';
import { needs } from '../support/needs.js';
import { buildClientPackage } from '../support/packages.js';
import { give, startScriptedDaemon } from '../support/scripted-daemon.js';
import { makeUpgradeLab, type InsideDaemon, type UpgradeLab } from '../support/upgrade-lab.js';

const HOOK_LIMIT = 600_000;
/** Seconds without a word; the daemon says one every five. */
const SILENCE = ['-o', 'Acquire::Debshoal::Silence=7'];
const BOTH = ['fonts-opensymbol', 'tzdata'];
const DAY = 24 * 60 * 60 * 1000;
const describeHere = await needs(
  ...['root', 'debootstrap', 'reprepro', 'gpg', 'mount', 'network', 'dpkg-shlibdeps', 'strip'],
);

let packages: string;
let clientPackage: string;
beforeAll(async () => {
  packages = await mkdtemp(join(tmpdir(), '.debshoal-packages-'));
  clientPackage = await buildClientPackage(packages);
}, HOOK_LIMIT);
afterAll(() => rm(packages, { recursive: true }));

for (const suite of ['bookworm', 'trixie'] as const) {
  describeHere(`apt of ${suite} upgrades in spite of`, () => {
    let lab: UpgradeLab;
    let inside: (...path: string[]) => string;

    beforeAll(async () => {
      lab = await makeUpgradeLab(suite);
      inside = (...path) => join(lab.chroot.folder, ...path);
      await lab.chroot.setSources(`deb ${await hostMirror()} ${suite} main\n`);
      await lab.apt('apt-get', '-qq', 'update');
      const install = ['-qq', '-y', '--no-install-recommends', 'install'];
      await lab.apt('apt-get', ...install, 'faketime', 'bubblewrap');
    }, HOOK_LIMIT);

    afterAll(() => lab.close(), HOOK_LIMIT);

    beforeEach(() => lab.restore(), HOOK_LIMIT);

    const start = (...args: string[]): Promise<InsideDaemon> =>
      lab.startDaemon(['--no-prefetch', ...args]);
    const upgrade = (...args: string[]): Promise<unknown> =>
      lab.apt('apt-get', '-y', ...SILENCE, ...args, 'upgrade');

    /** Everything is as after any other upgrade; these packages came from the mirror. */
    const expectUpgraded = async (...fromMirror: string[]): Promise<void> => {
      expect(await lab.defects()).toEqual([]);
      expect([...new Set(lab.requestedDebs())].sort()).toEqual(fromMirror);
    };

    /** Upgrades, and does `act` when the daemon asks for the first delta, which it does not get. */
    const upgradeAnd = async (act: () => void, ...args: string[]): Promise<void> => {
      let isDone = false;
      lab.misbehave((path) => {
        if (!path.startsWith('/deltas/')) return false;
        if (!isDone) act();
        isDone = true;
        return true;
      });
      await upgrade(...args);
      expect(isDone).toBe(true);
    };

    /** The real one, and what `debshoal enable` links. */
    const installPackage = async (): Promise<void> => {
      await copyFile(clientPackage, inside('package.deb'));
      await lab.apt('dpkg', '-i', '/package.deb');
      await lab.apt('debshoal', 'enable');
    };
    const snippets = async (): Promise<string[]> =>
      (await readdir(inside('etc/apt/apt.conf.d'))).filter((name) => name.includes('debshoal'));

    test('a daemon that is killed', async () => {
      const daemon = await start();
      await upgradeAnd(() => daemon.child.kill('SIGKILL'));
      expect(daemon.child.signalCode).toBe('SIGKILL');
      await expectUpgraded(...BOTH);
    });

    test('a daemon that hangs', async () => {
      const daemon = await start();
      await upgradeAnd(() => daemon.child.kill('SIGSTOP'));
      await expectUpgraded(...BOTH);
    });

    test('a daemon that stalls, because its site does', async () => {
      await start();
      // Not less: the daemon must think that it can do it.
      await upgradeAnd(() => undefined, '-o', 'Acquire::Debshoal::Patience=15');
      await expectUpgraded(...BOTH);
    });

    test('a daemon that stops', async () => {
      const daemon = await start();
      await upgradeAnd(() => daemon.child.kill('SIGTERM'));
      await expectUpgraded(...BOTH);
    });

    test.each([
      ['wrong bytes', (size: number) => give(Buffer.alloc(size, 'x'))],
      ['too few bytes', (size: number) => give(Buffer.alloc(size >> 1, 'x'), size)],
    ])('%s', async (_, lie) => {
      const daemon = await startScriptedDaemon(inside('run/debshoal/socket'), (request, socket) => {
        lie(Number(request.fields['Expected-Checksum-FileSize']))(request, socket);
      });
      await writeFile(inside('run/debshoal/ok'), '');
      await upgrade();
      await daemon.close();
      expect(daemon.requests).toHaveLength(2);
      await expectUpgraded(...BOTH);
    });

    test('a full disk', async () => {
      const cache = inside('var/cache/debshoal');
      const { stdout } = await lab.apt('id', '-u', 'debshoal');
      const options = `size=64k,uid=${stdout.toString().trim()}`;
      await runTool('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', cache], { maxOutput: 0 });
      try {
        const daemon = await start();
        await upgrade();
        await daemon.kill();
      } finally {
        await runTool('umount', [cache], { maxOutput: 0 });
      }
      await expectUpgraded(...BOTH);
    });

    test('a damaged cache', async () => {
      await start();
      await lab.apt('apt-get', '-y', '--download-only', 'upgrade');
      await lab.apt('apt-get', 'clean');
      const ready = inside('var/cache/debshoal/daemon/ready');
      const names = await readdir(ready);
      expect(names).toHaveLength(2);
      for (const name of names) await truncate(join(ready, name), 1000);
      await upgrade();
      await expectUpgraded();
    });

    test('an index that knows only what was before', async () => {
      const lists = inside('var/lib/apt/lists');
      const [name = ''] = (await readdir(lists)).filter((list) => list.endsWith('_Deltas'));
      let index = await readFile(join(lists, name), 'utf8');
      for (const { newSha256 } of lab.pairs) {
        expect(index).toContain(newSha256);
        index = index.replaceAll(newSha256, '0'.repeat(32) + newSha256.slice(32));
      }
      await writeFile(join(lists, name), index);
      await start();
      await upgrade();
      await expectUpgraded(...BOTH);
    });

    test('an index of our own source that has expired', async () => {
      const source = await lab.useOwnSource();
      await source.resign({
        release: (release) => ({
          ...release,
          date: new Date(Date.now() - 8 * DAY),
          validUntil: new Date(Date.now() - DAY),
        }),
      });
      const daemon = await start();
      await upgrade();
      expect(daemon.stderr()).toContain('[index-expired]');
      await expectUpgraded(...BOTH);
    });

    test('an old index of our own source, replayed', async () => {
      const source = await lab.useOwnSource();
      const first = await start();
      await lab.apt('apt-get', '-y', '--download-only', 'upgrade');
      await lab.apt('apt-get', 'clean');
      expect(lab.requestedDebs()).toEqual([]);
      await first.kill();
      await rm(inside('var/cache/debshoal/daemon/ready'), { recursive: true });
      await source.resign({
        release: (release) => ({ ...release, counter: release.counter - 1 }),
      });
      const second = await start();
      await upgrade();
      expect(second.stderr()).toContain('[index-rollback]');
      await expectUpgraded(...BOTH);
    });

    test.each(['-1y', '+1y'])('a clock that is wrong by %s', async (offset) => {
      await lab.startDaemon(['--no-prefetch'], {
        LD_PRELOAD: '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
        FAKETIME: offset,
      });
      // Not apt, whose methods libfaketime hangs in trixie; it looks at no date here.
      await upgrade();
      await expectUpgraded();
    });

    test('a method that is gone', async () => {
      await start();
      await rm(inside('usr/lib/debshoal/apt-method/relay'));
      await upgrade();
      await expectUpgraded(...BOTH);
    });

    test('a guard that is gone, and so is what names it', async () => {
      await start();
      await rm(inside('usr/share/debshoal/apt.conf.d/60debshoal-http'));
      await upgrade();
      await expectUpgraded(...BOTH);
    });

    test('a package that is removed meanwhile', async () => {
      const daemon = await start();
      await upgradeAnd(() => {
        for (const name of ['lib', 'share'])
          rmSync(inside('usr', name, 'debshoal'), { recursive: true });
        daemon.child.kill('SIGTERM');
      });
      expect(await exists(inside('usr/share/debshoal'))).toBe(false);
      await expectUpgraded(...BOTH);
    });

    test('the Debian package, which dpkg removes while apt downloads', async () => {
      await installPackage();
      const daemon = await start();
      const remove = (status: number): Promise<ToolResult> =>
        lab.chroot.run('dpkg', ['-r', 'debshoal'], [status]);
      const removal = { done: Promise.resolve() };
      await upgradeAnd(() => {
        removal.done = (async () => {
          // apt has dpkg's locks; until somebody follows a well-known piece of advice.
          expect((await remove(2)).stderr).toContain('lock');
          for (const lock of ['lock', 'lock-frontend']) await rm(inside('var/lib/dpkg', lock));
          await remove(0);
          daemon.child.kill('SIGTERM');
        })();
      });
      await removal.done;
      expect(await snippets()).toEqual([]);
      await expectUpgraded(...BOTH);
      await lab.apt('apt-get', 'update');
    });

    test('the Debian package, which apt removes in the same run', async () => {
      await installPackage();
      await start();
      await lab.apt('apt-get', '-y', 'dist-upgrade', 'debshoal-');
      expect(await snippets()).toEqual([]);
      await expectUpgraded();
      await lab.apt('apt-get', 'update');
    });

    test('no Perl', async () => {
      await start();
      const perl = inside('usr/bin/perl');
      await runTool('mv', [perl, `${perl}.away`], { maxOutput: 0 });
      try {
        await lab.apt('apt-get', '-y', '--download-only', 'upgrade');
      } finally {
        await runTool('mv', [`${perl}.away`, perl], { maxOutput: 0 });
      }
      expect(lab.requestedDebs().sort()).toEqual(BOTH);
    });
  });
}
