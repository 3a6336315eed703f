import { lstat, mkdtemp, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { extractDataTar } from '../../../bench/main-job/extract-tar.js';
import { makeScratchRoot } from '../../../bench/main-job/scratch-root.js';
import { withTemporaryFolder } from '../../../shared/io/files.js';
import { runTool } from '../../../shared/io/run-tool.js';
import { openDeb } from '../../support/dpkg-deb.js';
import { fixturePair } from '../../support/fixture-pairs.js';
import { needs } from '../../support/needs.js';

const PAIRS = ['openssl', 'libgd-tools'].map(fixturePair);
const describeHere = await needs('dpkg-deb', 'dpkg-query');

describeHere('a scratch root', () => {
  let root: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), '.debshoal-'));
    await makeScratchRoot(root, {
      debs: PAIRS.map((pair) => pair.oldDeb),
      upgrades: PAIRS.map((pair) => pair.newDeb),
      archiveUrl: 'http://127.0.0.1:9',
      suite: 'lab',
      architecture: 'amd64',
      openDeb,
    });
  }, 60_000);

  afterAll(() => rm(root, { recursive: true }));

  const dpkg = async (...args: string[]): Promise<string> => {
    const admindir = join(root, 'var/lib/dpkg');
    const options = { maxOutput: 1 << 20, acceptStatus: [0, 1] };
    return (
      await runTool('dpkg-query', ['--admindir', admindir, ...args], options)
    ).stdout.toString();
  };

  test('dpkg itself reads its records', async () => {
    for (const pair of PAIRS) {
      const shown = await dpkg('-W', '-f', '${Version} ${db:Status-Status}', pair.package);
      expect(shown).toBe(`${pair.oldVersion} installed`);
    }
    const conffiles = await dpkg('-W', '-f', '${Conffiles}', 'openssl');
    expect(conffiles).toMatch(/^ \/etc\/ssl\/openssl\.cnf [0-9a-f]{32}$/m);
  });

  test('every listed path is there, files with the .deb’s checksums', async () => {
    for (const { package: name } of PAIRS) {
      const listed = (await dpkg('-L', name)).trim().split('\n');
      for (const path of listed) await lstat(join(root, path));
      const sums = join(root, `var/lib/dpkg/info/${name}.md5sums`);
      await runTool('md5sum', ['--check', '--quiet', sums], { maxOutput: 1 << 20, cwd: root });
    }
  });

  test('modes and links are the package’s', async () => {
    expect((await lstat(join(root, 'usr/bin/openssl'))).mode & 0o777).toBe(0o755);
    expect(await readlink(join(root, 'usr/lib/ssl/openssl.cnf'))).toBe('/etc/ssl/openssl.cnf');
    expect(await readlink(join(root, 'lib'))).toBe('usr/lib');
    const postinst = await lstat(join(root, 'var/lib/dpkg/info/openssl.postinst'));
    expect(postinst.mode & 0o777).toBe(0o755);
  });

  test('one honestly named package provides what is missing', async () => {
    const provides = await dpkg('-W', '-f', '${Provides}', 'debshoal-scratch-dependencies');
    expect(provides.split(', ')).toEqual(
      expect.arrayContaining(['perl:any', 'libc6 (= 2.34)', 'libssl3 (= 3.0.9)']),
    );
    expect(await readFile(join(root, 'var/lib/dpkg/arch'), 'utf8')).toBe('amd64\n');
  });
});

test('hard links, and attack: a path with ..', () =>
  withTemporaryFolder(async (folder) => {
    const good = pack();
    good.entry({ name: './a' }, 'content');
    good.entry({ name: './b', type: 'link', linkname: './a' });
    good.finalize();
    expect(await extractDataTar(Readable.from(good), folder)).toEqual(['/a', '/b']);
    expect((await lstat(join(folder, 'a'))).nlink).toBe(2);
    const bad = pack();
    bad.entry({ name: './x/../../evil' }, 'content');
    bad.finalize();
    await expect(extractDataTar(Readable.from(bad), folder)).rejects.toThrow();
  }));
