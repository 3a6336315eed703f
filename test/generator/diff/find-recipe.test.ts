import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { findRecipes } from '../../../generator/diff/find-recipe.js';
import { compress } from '../../../shared/deb/compression.js';
import { expandDeb } from '../../../shared/deb/expand-deb.js';
import type { Recipe } from '../../../shared/deb/recipe.js';
import { DebshoalError } from '../../../shared/errors.js';
import { readBounded } from '../../../shared/io/files.js';
import { LIMITS } from '../../../shared/limits.js';
import { chunksOf, collect, noise } from '../../support/chunks.js';
import { temporaryFolder, until } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';
import { makeAr, makeTar, makeTinyDeb } from '../../support/tiny-deb.js';
import { hasTool } from '../../support/tools.js';

/** Text that compresses differently at every level. */
function prose(bytes: number): Buffer {
  const words =
    noise(bytes / 2)
      .toString('latin1')
      .match(/[\s\S]{1,7}/g) ?? [];
  const text = words.map((_, i) => words[(i * i) % 4001] ?? '').join(' ');
  return Buffer.from(text, 'latin1').subarray(0, bytes);
}

async function buildWithDpkg(folder: string, content: Buffer, options: string[]): Promise<string> {
  const tree = join(folder, 'tree');
  await mkdir(join(tree, 'DEBIAN'), { recursive: true });
  const control =
    'Package: tiny\nVersion: 1\nArchitecture: all\nMaintainer: N <n@example.org>\nDescription: x\n';
  await writeFile(join(tree, 'DEBIAN/control'), control);
  await writeFile(join(tree, 'content'), content);
  const path = join(folder, 'built.deb');
  execFileSync('dpkg-deb', ['--root-owner-group', ...options, '-b', tree, path], {
    stdio: 'ignore',
  });
  return path;
}

async function recipesOf(path: string): Promise<Recipe[]> {
  const deb = await expandDeb(path, join(await temporaryFolder(), 'image'));
  const { parts, unreproducible } = await findRecipes(deb);
  if (unreproducible !== null) throw new DebshoalError('deb-unreproducible', unreproducible);
  return parts.flatMap((part) => (part.kind === 'member' && part.recipe ? [part.recipe] : []));
}

/** Compresses the members with the found recipes again. */
async function isReproduced(path: string): Promise<boolean> {
  const deb = await expandDeb(path, join(await temporaryFolder(), 'image'));
  const image = await readBounded(deb.imagePath, LIMITS.dataTarBytes);
  const packed = await readBounded(path, LIMITS.debBytes);
  const members = deb.parts.filter((part) => part.kind === 'member');
  const recipes = await recipesOf(path);
  for (const [i, { imageOffset, length, packedOffset, packedLength }] of members.entries()) {
    const tar = image.subarray(imageOffset, imageOffset + length);
    const recipe = recipes[i] ?? { kind: 'stored' };
    const made = Buffer.concat(await collect(compress(recipe, chunksOf(tar, 99_999))));
    if (!made.equals(packed.subarray(packedOffset, packedOffset + packedLength))) return false;
  }
  return true;
}

describe.skipIf(!hasTool('dpkg-deb'))('recipes of what dpkg-deb writes (needs dpkg-deb)', () => {
  const content = prose(120_000);
  const levels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

  it.each([
    ...levels.map((level) => ['-Zxz', `-z${level}`]),
    ...[1, 6, 9].map((level) => ['-Zxz', '-Sextreme', `-z${level}`]),
    ...levels.slice(1).map((level) => ['-Zgzip', `-z${level}`]),
    ['-Znone'],
    ['-Zgzip', '--no-uniform-compression'],
    ['-Zxz', '--no-uniform-compression'],
    ['-Zgzip', '--uniform-compression'],
  ])('%s %s %s are found and exact', async (...options) => {
    const given = options.filter((option) => typeof option === 'string');
    const path = await buildWithDpkg(await temporaryFolder(), content, given);
    expect(await isReproduced(path)).toBe(true);
  });

  it.each([
    ['-Zzstd'],
    ['-Zzstd', '-z3'],
    ['-Zzstd', '-z12'],
    ['-Zgzip', '-Sfixed'],
    ['-Zgzip', '-z9', '-Srle'],
  ])(
    '%s %s %s are exact or refused', // of dpkg's zstd and zlib there are many versions
    async (...options) => {
      const path = await buildWithDpkg(await temporaryFolder(), content, options);
      const code = await errorCode(recipesOf(path));
      expect(['none', 'deb-unreproducible']).toContain(code);
      if (code === 'none') expect(await isReproduced(path)).toBe(true);
    },
  );

  it('are found and exact for several blocks of .xz', async () => {
    // Over 24 MiB, three dictionaries of -6; repeated, or it would take a minute.
    const large = Buffer.alloc(27 << 20, content);
    const path = await buildWithDpkg(await temporaryFolder(), large, ['-Zxz']);
    expect((await recipesOf(path))[1]).toMatchObject({ preset: 6, blockBytes: 24 << 20 });
    expect(await isReproduced(path)).toBe(true);
  });
});

describe('recipes of other writers', () => {
  it('are found for the single-threaded encoder of xz and other checks', async () => {
    for (const check of [1, 4, 10]) {
      const recipe: Recipe = { kind: 'xz', preset: 6, extreme: false, check, blockBytes: null };
      const path = join(await temporaryFolder(), 'tiny.deb');
      const entries = [{ path: 'a', content: prose(20_000) }];
      await writeFile(path, await makeTinyDeb({ entries, recipe }));
      expect((await recipesOf(path))[1]).toEqual(recipe);
    }
  });

  it('are refused as deb-unreproducible for streams that no encoder of ours writes', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'tiny.deb');
    const control = makeTar([
      { path: 'control', content: 'Package: tiny\nVersion: 1\nArchitecture: all\n' },
    ]);
    const tar = makeTar([{ path: 'a', content: prose(100_000) }]);
    const xz = async (bytes: Buffer): Promise<Buffer> => {
      const recipe = { kind: 'xz', preset: 6, extreme: false, check: 4, blockBytes: null } as const;
      return Buffer.concat(await collect(compress(recipe, chunksOf(bytes, 1 << 20))));
    };
    const shapes = {
      'two streams': Buffer.concat([await xz(tar.subarray(0, 5000)), await xz(tar.subarray(5000))]),
      'stream padding': Buffer.concat([await xz(tar), Buffer.alloc(4)]),
    };
    for (const [shape, content] of Object.entries(shapes)) {
      await writeFile(
        path,
        makeAr([
          { name: 'debian-binary', content: Buffer.from('2.0\n') },
          { name: 'control.tar', content: control },
          { name: 'data.tar.xz', content },
        ]),
      );
      expect([shape, await errorCode(recipesOf(path))]).toEqual([shape, 'deb-unreproducible']);
    }
  });

  it('leave no gzip behind that was found to be another one', async () => {
    const header = Buffer.from('1f8b0800000000000203', 'hex');
    const recipe: Recipe = { kind: 'gzip', encoder: 'gnu', level: 9, header };
    // It has read all of it, and writes more than fits into the pipe.
    for await (const chunk of compress(recipe, chunksOf(noise(300_000), 300_000))) {
      if (chunk.length > header.length) break;
    }
    const running = () => process.getActiveResourcesInfo().includes('ProcessWrap');
    await until(() => !running());
  });

  it('do not change with the variable GZIP', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'gz.deb');
    const header = Buffer.from('1f8b0800000000000203', 'hex');
    const recipe: Recipe = { kind: 'gzip', encoder: 'gnu', level: 9, header };
    await writeFile(
      path,
      await makeTinyDeb({ entries: [{ path: 'a', content: prose(50_000) }], recipe }),
    );
    process.env['GZIP'] = '-1';
    try {
      expect((await recipesOf(path))[1]).toMatchObject({ kind: 'gzip', level: 9 });
    } finally {
      delete process.env['GZIP'];
    }
  });
});
