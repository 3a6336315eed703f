import { mkdir, readdir, readlink, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { openAptSystem } from '../../client/apt/apt-system.js';
import { removeLocalRepository } from '../../client/apt/local-repository/local-repository.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { runTool } from '../../shared/io/run-tool.js';
import { needs } from '../support/needs.js';
import { makeScratchUpgrade, pendingIn, SCRATCH_PACKAGES } from '../support/scratch-upgrade.js';

const LISTER = fileURLToPath(new URL('../../dist/test/support/killed-lister.js', import.meta.url));
const describeHere = await needs('apt-get', 'dpkg-deb');

describeHere('killed while it lists packages or removes them', () => {
  test('at every change to the file system: apt works, and the next run mends it', () =>
    withTemporaryFolder(async (base) => {
      const lab = await makeScratchUpgrade(base);
      try {
        const root = await lab.root();
        const from = new Map<string, number>();
        const copies = join(base, 'copies');
        await mkdir(copies);
        await runTool(process.execPath, [LISTER, base, root, copies], { maxOutput: 1 << 20 });
        for (const name of await readdir(copies)) {
          // Ours is there with its full path.
          await rm(root, { recursive: true });
          await rename(join(copies, name), root);
          for (const uri of await upgrade(root)) from.set(uri, (from.get(uri) ?? 0) + 1);
          const system = await openAptSystem(root);
          await removeLocalRepository(system);
          expect(await leftBehind(root)).toEqual([]);
          const uris = (await pendingIn(root)).flatMap(({ uris: own }) => own);
          expect(uris).toHaveLength(SCRATCH_PACKAGES.length);
          for (const uri of uris) expect(uri).toContain(lab.mirror.url);
        }
        // Both sides were seen: before and after, and listed in between.
        expect([...from.keys()].sort()).toEqual(['file:', 'http:']);
      } finally {
        await lab.close();
      }
    }));
});

/** apt's own update and download succeed, from whichever side; the schemes that it used. */
async function upgrade(root: string): Promise<string[]> {
  const system = await openAptSystem(root);
  await system.run('apt-get', ['-qq', 'update']);
  const pending = await pendingIn(root);
  expect(pending.map((one) => one.package).sort()).toEqual(SCRATCH_PACKAGES);
  await system.run('apt-get', ['-qq', '-y', '-d', 'upgrade']);
  await system.run('apt-get', ['clean']);
  return pending.flatMap(({ uris }) => uris.map((uri) => new URL(uri).protocol));
}

/** What of ours is in /etc/apt, in apt's lists and in the state folder; links that still serve. */
async function leftBehind(root: string): Promise<string[]> {
  const left: string[] = [];
  for (const folder of ['etc/apt', 'var/lib/apt/lists', 'var/lib/debshoal']) {
    const names = await readdir(join(root, folder), { recursive: true }).catch(() => []);
    left.push(...names.filter((name) => /debshoal|repository(?!-key)/.test(name)));
  }
  const main = await readlink(join(root, 'var/lib/debshoal/apt/sources.list')).catch(() => null);
  if (main !== null && main !== join(root, 'etc/apt/sources.list')) left.push(main);
  return left;
}
