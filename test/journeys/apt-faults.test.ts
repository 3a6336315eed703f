import { rmSync } from 'node:fs';
import { readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { runTool } from '../../shared/io/run-tool.js';
import { exists } from '../../shared/io/files.js';
import { hostMirror } from '../support/host-mirror.js';
import { needs } from '../support/needs.js';
import { give, startScriptedDaemon } from '../support/scripted-daemon.js';
import { makeUpgradeLab, type InsideDaemon, type UpgradeLab } from '../support/upgrade-lab.js';

const HOOK_LIMIT = 600_000;
/** Seconds without a word; the daemon says one every five. */
const SILENCE = ['-o', 'Acquire::Debshoal::Silence=7'];
const BOTH = ['fonts-opensymbol', 'tzdata'];
const describeHere = await needs('root', 'debootstrap', 'reprepro', 'gpg', 'mount', 'network');

for (const suite of ['bookworm', 'trixie'] as const) {
  describeHere(`apt of ${suite} upgrades in spite of`, () => {
    let lab: UpgradeLab;
    let inside: (...path: string[]) => string;

    beforeAll(async () => {
      lab = await makeUpgradeLab(suite);
      inside = (...path) => join(lab.chroot.folder, ...path);
      await lab.chroot.setSources(`deb ${await hostMirror()} ${suite} main\n`);
      await lab.apt('apt-get', '-qq', 'update');
      await lab.apt('apt-get', '-qq', '-y', '--no-install-recommends', 'install', 'faketime');
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
      await lab.startDaemon();
      const ready = inside('var/cache/debshoal/daemon/ready');
      const finished = async (): Promise<string[]> =>
        (await exists(ready))
          ? (await readdir(ready)).filter((name) => /^[0-9a-f]/.test(name))
          : [];
      while ((await finished()).length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
      for (const name of await finished()) await truncate(join(ready, name), 1000);
      await upgrade();
      await expectUpgraded();
    });

    test('an index that knows only what was before', async () => {
      await start();
      for (const name of await readdir(inside('var/lib/apt/lists'))) {
        if (name.includes('debshoal')) await writeFile(inside('var/lib/apt/lists', name), '');
      }
      await upgrade();
      await expectUpgraded(...BOTH);
    });

    test.each(['-1y', '+1y'])('a clock that is wrong by %s', async (offset) => {
      await lab.startDaemon(['--no-prefetch'], {
        LD_PRELOAD: '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
        FAKETIME: offset,
      });
      await lab.apt('faketime', '-f', offset, 'apt-get', '-y', ...SILENCE, 'upgrade');
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
