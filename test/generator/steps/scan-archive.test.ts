import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { scanArchive } from '../../../generator/steps/scan-archive.js';
import { compressXz } from '../../../shared/io/xz.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';

const EVERYTHING = { suites: [], components: [], architectures: [] };
const RELEASE = 'Suite: stable\nCodename: bookworm\nComponents: main\nArchitectures: amd64\n';
const ENTRY = {
  Package: 'tiny',
  Version: '1',
  Architecture: 'amd64',
  Filename: 'pool/tiny.deb',
  Size: '5',
  SHA256: 'a'.repeat(64),
};

interface Files {
  readonly release?: string;
  /** Fields that differ; null leaves one out. */
  readonly entry?: Readonly<Record<string, string | null>>;
  readonly packages?: Buffer;
}

async function archiveWith({ release = RELEASE, entry = {}, packages }: Files): Promise<string> {
  const root = await temporaryFolder();
  const folder = join(root, 'dists/stable/main/binary-amd64');
  await mkdir(folder, { recursive: true });
  await writeFile(join(root, 'dists/stable/Release'), release);
  const fields = Object.entries<string | null>({ ...ENTRY, ...entry });
  const stanza = fields.flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\n`]));
  const packed = packages ?? (await compressXz(Buffer.from(stanza.join(''))));
  await writeFile(join(folder, 'Packages.xz'), packed);
  return root;
}

describe('scanArchive', () => {
  it('reads suites, components and architectures', async () => {
    const root = await archiveWith({ entry: { Filename: './pool/tiny.deb' } });
    await symlink('stable', join(root, 'dists/bookworm'));
    await mkdir(join(root, 'dists/without-release'));
    const [suite, ...others] = await scanArchive(root, EVERYTHING);
    expect(others).toEqual([]);
    expect(suite).toMatchObject({ suite: 'stable', codename: 'bookworm' });
    expect(suite?.indexes[0]?.packages).toMatchObject([
      { package: 'tiny', version: '1', filename: 'pool/tiny.deb', size: 5 },
    ]);
  });

  it('reads a suite through its symbolic link when that is asked for', async () => {
    const root = await archiveWith({});
    await symlink('stable', join(root, 'dists/bookworm'));
    const [suite] = await scanArchive(root, { ...EVERYTHING, suites: ['bookworm'] });
    expect(suite).toMatchObject({ suite: 'bookworm' });
  });

  it('says so when there is no archive', async () => {
    const root = await temporaryFolder();
    expect(await errorCode(scanArchive(root, EVERYTHING))).toBe('archive-malformed');
    await mkdir(join(root, 'dists'));
    expect(await errorCode(scanArchive(root, EVERYTHING))).toBe('archive-malformed');
    const only = { ...EVERYTHING, suites: ['stable'] };
    expect(await errorCode(scanArchive(root, only))).toBe('archive-malformed');
  });
});

describe('attacks by an archive', () => {
  it.each<[string, Files['entry']]>([
    ['a path out of the archive', { Filename: '../../etc/shadow' }],
    ['an absolute path', { Filename: '/etc/shadow' }],
    ['a name that is a path', { Package: '../x' }],
    ['a version that is a path', { Version: '1/../../x' }],
    ['no hash', { SHA256: null }],
    ['a negative size', { Size: '-1' }],
    ['a giant size', { Size: '9'.repeat(20) }],
  ])('%s in Packages is refused', async (_what, entry) => {
    const root = await archiveWith({ ...(entry && { entry }) });
    expect(await errorCode(scanArchive(root, EVERYTHING))).toBe('archive-malformed');
  });

  it('a damaged Packages file is refused', async () => {
    const root = await archiveWith({ packages: Buffer.from('no xz') });
    expect(await errorCode(scanArchive(root, EVERYTHING))).toBe('archive-malformed');
  });

  it('components and a codename that are paths are not followed', async () => {
    const release = RELEASE.replace('main', 'main .. x/.. main/../..').replace('bookworm', '../..');
    const [suite] = await scanArchive(await archiveWith({ release }), EVERYTHING);
    expect(suite?.codename).toBe('stable');
    expect(suite?.indexes.map((index) => index.component)).toEqual(['main']);
  });
});
