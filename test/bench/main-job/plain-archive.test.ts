import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

import { controlField, writePlainArchive } from '../../../bench/main-job/plain-archive.js';
import { withTemporaryFolder } from '../../../shared/io/files.js';
import { hashFile, sha256 } from '../../../shared/io/hash.js';
import { fixturePair } from '../../support/fixture-pairs.js';

const PAIR = fixturePair('fonts-opensymbol');
const CONTROL =
  'Package: fonts-opensymbol\nVersion: 4:1~x\nArchitecture: all\nDescription: x\n y\n';
const OPTIONS = {
  suite: 'lab',
  architectures: ['amd64', 'arm64'],
  debs: [PAIR.newDeb],
  controlOf: () => Promise.resolve(CONTROL),
};

test('Release lists every index, Packages every .deb, with size and hash', () =>
  withTemporaryFolder(async (folder) => {
    await writePlainArchive(folder, OPTIONS);
    const dists = join(folder, 'dists/lab');
    const release = await readFile(join(dists, 'Release'), 'utf8');
    const listed = [...release.matchAll(/^ ([0-9a-f]{64}) (\d+) (\S+)$/gm)];
    expect(listed).toHaveLength(4);
    for (const [, hash, size, path] of listed) {
      const found = await hashFile(join(dists, path ?? ''));
      expect(found).toEqual({ sha256: hash, size: Number(size) });
    }
    const packages = await readFile(join(dists, 'main/binary-arm64/Packages'));
    const compressed = await readFile(join(dists, 'main/binary-arm64/Packages.gz'));
    expect(sha256(gunzipSync(compressed))).toBe(sha256(packages));
    const path = controlField(packages.toString(), 'Filename');
    expect(path).toBe('pool/main/f/fonts-opensymbol/fonts-opensymbol_1~x_all.deb');
    expect((await stat(join(folder, path))).size).toBe(PAIR.newSize);
    expect(controlField(packages.toString(), 'Size')).toBe(String(PAIR.newSize));
    expect(controlField(packages.toString(), 'SHA256')).toBe(PAIR.newSha256);
    expect(controlField(release, 'Date')).toMatch(/ UTC$/);
  }));

test('a signer makes the InRelease of exactly this Release', () =>
  withTemporaryFolder(async (folder) => {
    await writePlainArchive(folder, {
      ...OPTIONS,
      sign: (text) => Promise.resolve(`signed\n${text}`),
    });
    const dists = join(folder, 'dists/lab');
    const release = await readFile(join(dists, 'Release'), 'utf8');
    expect(await readFile(join(dists, 'InRelease'), 'utf8')).toBe(`signed\n${release}`);
  }));
