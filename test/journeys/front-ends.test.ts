import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { runTool } from '../../shared/io/run-tool.js';
import { hostMirror } from '../support/host-mirror.js';
import { needs } from '../support/needs.js';
import { withSystemBus } from '../support/system-bus.js';
import { makeUpgradeLab, type UpgradeLab } from '../support/upgrade-lab.js';

const HOOK_LIMIT = 600_000;
const describeHere = await needs('root', 'debootstrap', 'reprepro', 'gpg', 'mount', 'network');

const FRONT_ENDS: Readonly<Record<string, readonly string[]>> = {
  'apt-get upgrade': ['apt-get', '-y', 'upgrade'],
  'apt full-upgrade': ['apt', '-y', 'full-upgrade'],
  'aptitude safe-upgrade': ['aptitude', '-y', 'safe-upgrade'],
  'unattended-upgrade': ['unattended-upgrade'],
};

for (const suite of ['bookworm', 'trixie'] as const) {
  describeHere(`front-ends of ${suite}`, () => {
    let lab: UpgradeLab;

    beforeAll(async () => {
      lab = await makeUpgradeLab(suite);
      const { chroot } = lab;
      await chroot.setSources(`deb ${await hostMirror()} ${suite} main\n`);
      await chroot.run('apt-get', ['-qq', 'update']);
      const install = ['-qq', '-y', '--no-install-recommends', 'install'];
      const names = [
        'aptitude',
        'unattended-upgrades',
        'packagekit',
        'packagekit-tools',
        'polkitd',
      ];
      await chroot.run('apt-get', [...install, ...names]);
      const origins = 'Unattended-Upgrade::Origins-Pattern { "origin=Lab"; };\n';
      await writeFile(join(chroot.folder, 'etc/apt/apt.conf.d/99lab'), origins);
      // PackageKit gives dpkg a terminal.
      const pts = ['-t', 'devpts', 'devpts', join(chroot.folder, 'dev/pts')];
      await runTool('mount', pts, { maxOutput: 0 });
    }, HOOK_LIMIT);

    afterAll(() => lab.close(), HOOK_LIMIT);

    beforeEach(() => lab.restore(), HOOK_LIMIT);

    test.each(Object.entries(FRONT_ENDS))('%s takes the deltas', async (_, command) => {
      await lab.startDaemon();
      const [program = '', ...args] = command;
      await lab.apt(program, ...args);
      expect(await lab.defects()).toEqual([]);
      expect(lab.requestedDebs()).toEqual([]);
    });

    test('PackageKit takes the deltas, as graphical front-ends use it', async () => {
      await lab.startDaemon();
      await withSystemBus(lab.chroot, () => lab.apt('pkcon', '--noninteractive', 'update'));
      expect(await lab.defects()).toEqual([]);
      expect(lab.requestedDebs()).toEqual([]);
    });
  });
}
