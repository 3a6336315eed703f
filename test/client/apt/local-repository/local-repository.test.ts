import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openAptSystem, shellValue, type AptSystem } from '../../../../client/apt/apt-system.js';
import {
  listForApt,
  recogniseListed,
  removeLocalRepository,
  removeWhenInstalled,
} from '../../../../client/apt/local-repository/local-repository.js';
import { disable } from '../../../../client/setup/enable.js';
import { readSignedText } from '../../../../shared/index/signature.js';
import { withTemporaryFolder } from '../../../../shared/io/files.js';
import { holdLock } from '../../../support/hold-lock.js';
import { needs } from '../../../support/needs.js';
import {
  expandedDebs,
  makeScratchUpgrade,
  pendingIn,
  SCRATCH_PACKAGES,
  type ScratchUpgrade,
} from '../../../support/scratch-upgrade.js';

const describeHere = await needs('apt-get', 'dpkg-deb');
const NEVER = 1 << 30;

describeHere('the local repository', () => {
  let lab: ScratchUpgrade;
  let base: string;
  let done: () => void;

  beforeAll(async () => {
    await new Promise<void>((ready, failed) => {
      withTemporaryFolder(async (folder) => {
        base = folder;
        lab = await makeScratchUpgrade(folder);
        const finished = new Promise<void>((resolve) => (done = resolve));
        ready();
        await finished;
        await lab.close();
      }).catch(failed);
    });
  }, NEVER);

  afterAll(() => {
    done();
  });

  /** A system with all its pending packages expanded. */
  async function open() {
    const root = await lab.root();
    const system = await openAptSystem(root);
    const pending = await pendingIn(root);
    const debs = await expandedDebs(base, system, pending);
    const list = (some = debs) => listForApt(system, some, { kind: 'upgrade' }, new Date());
    return { root, system, pending, debs, list };
  }

  const schemes = async (root: string): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await pendingIn(root)).map(({ package: name, uris: [uri = ''] }) => [
        name,
        new URL(uri).protocol,
      ]),
    );

  const ours = async (root: string): Promise<string[]> => {
    const names = await readdir(join(root, 'etc/apt'), { recursive: true });
    return names.filter((name) => name.includes('debshoal'));
  };

  const install = async ({ root }: AptSystem, name: string): Promise<void> => {
    const status = join(root, 'var/lib/dpkg/status');
    const text = await readFile(status, 'utf8');
    const changed = text.replace(
      new RegExp(`(Package: ${name}\n(?:.+\n)*?Version: )1\n`),
      (_, before: string) => `${before}2\n`,
    );
    expect(changed).not.toBe(text);
    await writeFile(status, changed);
  };

  test('apt takes what is listed, in the name of its archive, and its answer is understood', async () => {
    const { root, system, pending, debs, list } = await open();
    expect(await list()).toEqual(new Set(pending.map(({ archiveName }) => archiveName)));
    expect(await schemes(root)).toEqual({ 'lab-library': 'file:', 'lab-tool': 'file:' });
    const offered = await pendingIn(root);
    expect(offered.map(({ sha256 }) => sha256).sort()).toEqual(
      debs.map(({ expanded }) => expanded.sha256).sort(),
    );
    const recognised = await recogniseListed(system, offered);
    expect(new Set(recognised.pending)).toEqual(new Set(pending));
    expect(recognised.listed.size).toBe(SCRATCH_PACKAGES.length);

    const repository = join(root, 'var/lib/debshoal/repository');
    const [inRelease = ''] = (await readdir(repository, { recursive: true })).filter((name) =>
      name.endsWith('InRelease'),
    );
    const release = await readSignedText(await readFile(join(repository, inRelease)));
    expect(release).toContain('Suite: lab\nCodename: lab\n');
    // Once it were over, `apt update` would fail.
    expect(release).not.toContain('Valid-Until');
  });

  test('nobody else can read the key, everybody the rest, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      const { root, list } = await open();
      await list();
      const state = join(root, 'var/lib/debshoal');
      const modeOf = async (name: string) => (await stat(join(state, name))).mode & 0o777;
      for (const entry of await readdir(state, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name).slice(state.length + 1);
        if (path.startsWith('repository-key') && !path.endsWith('key.asc')) continue;
        if (path.startsWith('apt/') && entry.isSymbolicLink()) continue;
        expect([path, (await modeOf(path)) & 0o444]).toEqual([path, 0o444]);
      }
      expect(await modeOf('repository-key')).toBe(0o700);
      expect(await modeOf('repository-key/private.asc')).toBe(0o600);
    } finally {
      process.umask(before);
    }
  });

  test('what is listed later joins what waits', async () => {
    const { root, debs, list } = await open();
    await list(debs.slice(0, 1));
    expect(Object.values(await schemes(root)).sort()).toEqual(['file:', 'http:']);
    await list(debs.slice(1));
    expect(Object.values(await schemes(root))).toEqual(['file:', 'file:']);
  });

  test('what is installed leaves; with the last one everything goes', async () => {
    const { root, system, debs, list } = await open();
    await list();
    await install(system, 'lab-tool');
    expect(await removeWhenInstalled(system)).toBe(1);
    expect(await schemes(root)).toEqual({ 'lab-library': 'file:' });
    const library = debs.filter(({ pending }) => pending.package === 'lab-library');
    await list(library);
    const names = await readdir(join(root, 'var/lib/debshoal/repository'), { recursive: true });
    expect(names.filter((name) => name.endsWith('.deb'))).toHaveLength(1);
    await install(system, 'lab-library');
    expect(await removeWhenInstalled(system)).toBe(0);
    expect(await ours(root)).toEqual([]);
  });

  test('a program that read our apt.conf finds its sources when we are gone', async () => {
    const { root, system, list } = await open();
    await list();
    const value = await system.run('apt-config', ['shell', 'L', 'Dir::Etc::sourcelist/f']);
    expect(shellValue(value)).toBe(join(root, 'var/lib/debshoal/apt/sources.list'));
    await removeLocalRepository(system);
    const remembered = ['-o', `Dir::Etc::sourcelist=${shellValue(value)}`];
    const uris = await system.run('apt-get', [...remembered, '-qq', '--print-uris', 'upgrade']);
    expect(uris.split(lab.mirror.url)).toHaveLength(1 + SCRATCH_PACKAGES.length);
  });

  test('a .deb that is gone is not listed again', async () => {
    const { root, debs, list } = await open();
    await list(debs.slice(0, 1));
    const repository = join(root, 'var/lib/debshoal/repository');
    const [deb = ''] = (await readdir(repository, { recursive: true })).filter((name) =>
      name.endsWith('.deb'),
    );
    await rm(join(repository, deb));
    await list(debs.slice(1));
    expect(Object.values(await schemes(root)).sort()).toEqual(['file:', 'http:']);
  });

  test('a damaged record: nothing waits, and what is listed is listed anew', async () => {
    const { root, system, list } = await open();
    await list();
    await writeFile(join(root, 'var/lib/debshoal/repository/listed.json'), '[{}]');
    expect((await recogniseListed(system, await pendingIn(root))).listed.size).toBe(0);
    expect((await list()).size).toBe(SCRATCH_PACKAGES.length);
  });

  test('a pin for the archive’s site: apt goes there, and the others are listed', async () => {
    const { root, list } = await open();
    const pin = 'Package: lab-tool\nPin: origin "127.0.0.1"\nPin-Priority: 600\n';
    await writeFile(join(root, 'etc/apt/preferences.d/lab'), pin);
    expect([...(await list())].join()).toMatch(/^lab-library_[^,]*$/);
    expect(await schemes(root)).toEqual({ 'lab-library': 'file:', 'lab-tool': 'http:' });
  });

  test('a source that apt reads before ours: refused, with its name, and nothing is left', async () => {
    const { root, list } = await open();
    await writeFile(join(root, 'etc/apt/sources.list.d/000.list'), '');
    await expect(list()).rejects.toMatchObject({
      code: 'apt-failed',
      message: expect.stringContaining('000.list') as string,
    });
    expect(await ours(root)).toEqual([]);
  });

  test('a file that somebody put in the place of our link is not ours to remove', async () => {
    const { root, system, list } = await open();
    await list();
    const link = join(root, 'etc/apt/sources.list.d/01debshoal-main.list');
    const sources = await readFile(link, 'utf8');
    expect(sources).toContain(lab.mirror.url);
    await rm(link);
    await writeFile(link, sources);
    await removeLocalRepository(system);
    expect(await ours(root)).toEqual(['sources.list.d/01debshoal-main.list']);
    expect(await readFile(link, 'utf8')).toBe(sources);
  });

  test('while packages are being installed nothing is added and nothing is taken away', async () => {
    const { root, system, debs, list } = await open();
    await list(debs.slice(0, 1));
    const lock = join(root, 'var/lib/dpkg/lock-frontend');
    await writeFile(lock, '');
    const release = await holdLock(lock);
    await expect(list()).rejects.toMatchObject({ code: 'apt-busy' });
    await expect(removeLocalRepository(system)).rejects.toMatchObject({ code: 'apt-busy' });
    expect(Object.values(await schemes(root)).sort()).toEqual(['file:', 'http:']);
    await release();
    await removeLocalRepository(system);
    expect(await ours(root)).toEqual([]);
  });

  test('`disable` takes it away, or says that it could not', async () => {
    const { root, list } = await open();
    await list();
    const lock = join(root, 'var/lib/dpkg/lock-frontend');
    await writeFile(lock, '');
    const release = await holdLock(lock);
    const { warnings } = await disable({ root, unit: null });
    expect(warnings).toEqual([expect.stringContaining('debshoal clean --all')]);
    expect(await ours(root)).not.toEqual([]);
    await release();
    const { done } = await disable({ root, unit: null });
    expect(done).toEqual(['Removed the repository of expanded packages.']);
    expect(await ours(root)).toEqual([]);
  });
});
