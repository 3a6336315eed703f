import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';
import { compress as zstd } from 'zstd-napi';

import { decompress, type Compression } from '../../../shared/deb/compression.js';
import { expandDeb, type ExpandedDeb } from '../../../shared/deb/expand-deb.js';
import { compressXz } from '../../../shared/io/xz.js';
import { chunksOf, collect, noise } from '../../support/chunks.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';
import { FIXTURE_PAIRS } from '../../support/fixture-pairs.js';
import { makeAr, makeTar, makeTinyDeb } from '../../support/tiny-deb.js';
import { hasTool } from '../../support/tools.js';

async function expand(deb: Buffer): Promise<ExpandedDeb & { image: Buffer }> {
  const folder = await temporaryFolder();
  const path = join(folder, 'test.deb');
  await writeFile(path, deb);
  const expanded = await expandDeb(path, join(folder, 'image'));
  return { ...expanded, image: await readFile(expanded.imagePath) };
}

describe('expanding a .deb', () => {
  it.skipIf(!hasTool('dpkg-deb')).each(FIXTURE_PAIRS)(
    'gives the tars that dpkg-deb gives, of $name (needs dpkg-deb)',
    async ({ newDeb: path }) => {
      const { image, parts } = await expand(await readFile(path));
      const tars = parts
        .filter((part) => part.kind === 'member')
        .map(({ imageOffset, length }) => image.subarray(imageOffset, imageOffset + length));
      for (const [i, option] of ['--ctrl-tarfile', '--fsys-tarfile'].entries()) {
        const wanted = execFileSync('dpkg-deb', [option, path], { maxBuffer: 1 << 28 });
        expect(tars[i]?.equals(wanted)).toBe(true);
      }
    },
  );

  it('covers every byte of the .deb by its parts, members after data.tar included', async () => {
    const plain = await makeTinyDeb({ entries: [{ path: 'a', content: 'x' }] });
    const deb = Buffer.concat([plain, makeAr([{ name: '_sig', content: noise(99) }]).subarray(8)]);
    const { parts, size } = await expand(deb);
    const covered = parts.map((part) =>
      part.kind === 'literal' ? part.length : part.packedLength,
    );
    expect(covered.reduce((a, b) => a + b, 0)).toBe(size);
    expect(parts.map((part) => part.kind)).toEqual(
      ['literal', 'member', 'literal', 'member', 'literal'], // prettier-ignore
    );
  });

  it('lists paths once, in the order of their bytes, beyond the basic plane, too', async () => {
    const paths = ['usr/\u{1f600}', 'usr/\uff5e', 'usr/a'];
    const { listedPaths } = await expand(
      await makeTinyDeb({ entries: [...paths, 'usr/a'].map((path) => ({ path })) }),
    );
    expect(listedPaths).toEqual(['/usr/a', '/usr/\uff5e', '/usr/\u{1f600}']);
  });
});

describe('attacks on a .deb', () => {
  const data = { name: 'data.tar', content: makeTar([]) };
  const head = { name: 'debian-binary', content: Buffer.from('2.0\n') };
  const control = (text: string) => ({
    name: 'control.tar',
    content: makeTar([{ path: 'control', content: text }]),
  });
  const valid = control('Package: tiny\nVersion: 1\nArchitecture: all\n');
  const codeOf = (...members: Parameters<typeof makeAr>[0]) => errorCode(expand(makeAr(members)));

  it('accepts the package that the attacks are made from', async () => {
    expect(await codeOf(head, valid, data)).toBe('none');
  });

  it('refuses missing, repeated and swapped members', async () => {
    expect(await codeOf(head, valid)).toBe('deb-malformed');
    expect(await codeOf(valid, data)).toBe('deb-malformed');
    expect(await codeOf(head, data, valid)).toBe('deb-malformed');
    expect(await codeOf(head, valid, data, data)).toBe('deb-malformed');
    expect(await codeOf(head, valid, valid, data)).toBe('deb-malformed');
  });

  it.each([
    ['no fields', '\n'],
    ['a path for a name', 'Package: ../../etc/passwd\nVersion: 1\nArchitecture: all\n'],
    [
      'an escape sequence in the version',
      'Package: tiny\nVersion: 1\u001b[2J\nArchitecture: all\n',
    ],
    ['no architecture', 'Package: tiny\nVersion: 1\n'],
  ])('refuses a control file with %s', async (_what, text) => {
    expect(await codeOf(head, control(text), data)).toBe('deb-malformed');
  });

  it('refuses a package without a control file', async () => {
    const empty = { name: 'control.tar', content: makeTar([]) };
    expect(await codeOf(head, empty, data)).toBe('deb-malformed');
  });

  it('refuses a control file of megabytes', async () => {
    const long = `Package: tiny\nVersion: 1\nArchitecture: all\nDescription: ${'x'.repeat(2 << 20)}\n`;
    expect(await codeOf(head, control(long), data)).toBe('deb-malformed');
  });

  it('accepts a data.tar of no bytes at all', async () => {
    expect(await codeOf(head, valid, { name: 'data.tar', content: Buffer.alloc(0) })).toBe('none');
  });

  it.each(['xz', 'gz', 'zst'])('refuses damaged and cut-off .%s data', async (extension) => {
    const tar = makeTar([{ path: 'a', content: noise(5000) }]);
    const pack = { xz: compressXz, gz: gzipSync, zst: zstd }[extension];
    const packed = (await pack?.(tar)) ?? tar;
    const name = `data.tar.${extension}`;
    expect(await codeOf(head, valid, { name, content: packed })).toBe('none');
    for (const content of [
      packed.subarray(0, packed.length - 20),
      packed.subarray(0, 10),
      noise(100),
    ]) {
      expect(await codeOf(head, valid, { name, content })).toBe('deb-malformed');
    }
  });
});

describe('decompression', () => {
  const bomb = Buffer.alloc(32 << 20);

  async function expandAll(compression: Compression, packed: Buffer, max: number): Promise<number> {
    const chunks = await collect(decompress(compression, chunksOf(packed, 1 << 16), max));
    return Buffer.concat(chunks).length;
  }

  it.each(['xz', 'gz', 'zst'] as const)('stops a .%s bomb at its limit', async (compression) => {
    const pack = { xz: compressXz, gz: gzipSync, zst: zstd }[compression];
    const packed = await pack(bomb);
    expect(packed.length).toBeLessThan(40_000);
    expect(await expandAll(compression, packed, bomb.length)).toBe(bomb.length);
    expect(await errorCode(expandAll(compression, packed, bomb.length - 1))).toBe('limit-exceeded');
    expect(await errorCode(expandAll(compression, packed, 1 << 16))).toBe('limit-exceeded');
  });

  it.skipIf(!hasTool('xz'))('refuses an .xz that asks for gigabytes (needs xz)', async () => {
    const giant = execFileSync('xz', ['-c', '--lzma2=dict=256MiB'], { input: 'x' });
    expect(await errorCode(expandAll('xz', giant, 100))).toBe('limit-exceeded');
  });
});
