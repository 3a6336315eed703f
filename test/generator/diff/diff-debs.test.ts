import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { diffDebs } from '../../../generator/diff/diff-debs.js';
import { describeDelta } from '../../../shared/delta/describe-delta.js';
import { noise } from '../../support/chunks.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';
import { FIXTURE_PAIRS, fixturePair } from '../../support/fixture-pairs.js';
import { roundTrip } from '../../support/round-trip.js';
import { makeSampleDelta } from '../../support/sample-delta.js';
import { foreignGzip, makeTinyDeb, type TinyDeb, type TinyEntry } from '../../support/tiny-deb.js';

describe('real pairs', () => {
  it.each(FIXTURE_PAIRS)('$name is rebuilt bit for bit from a smaller delta', async (pair) => {
    const report = await roundTrip(pair.oldDeb, pair.newDeb, await temporaryFolder());
    expect(report.isExact).toBe(true);
    expect(report.deltaBytes).toBeLessThan(report.newBytes / 4);
  });
});

async function roundTripOf(old: TinyDeb, next: TinyDeb) {
  const folder = await temporaryFolder();
  const [oldPath, newPath] = [join(folder, 'old.deb'), join(folder, 'new.deb')];
  await writeFile(oldPath, await makeTinyDeb({ recipe: { kind: 'stored' }, ...old }));
  await writeFile(newPath, await makeTinyDeb({ recipe: { kind: 'stored' }, ...next }));
  try {
    return await roundTrip(oldPath, newPath, folder);
  } finally {
    await rm(oldPath);
  }
}

describe('made-up pairs', () => {
  const gnu = (text: Buffer): Buffer => execFileSync('gzip', ['-9n'], { input: text });
  const named = (text: Buffer): Buffer => execFileSync('gzip', ['-6'], { input: text });
  const text = (seed: number): Buffer => Buffer.from(noise(2000, seed).toString('hex'));

  it.each<[string, TinyEntry[], TinyEntry[]]>([
    ['no files', [], []],
    ['identical files', [{ path: 'a', content: 'x' }], [{ path: 'a', content: 'x' }]],
    ['a removed file', [{ path: 'a', content: noise(900) }], []],
    ['a new file', [], [{ path: 'a', content: noise(900) }]],
    ['a renamed file', [{ path: 'a', content: noise(900) }], [{ path: 'z', content: noise(900) }]],
    ['a file that became empty', [{ path: 'a', content: noise(900) }], [{ path: 'a' }]],
    ['a file that was empty', [{ path: 'a' }], [{ path: 'a', content: noise(900) }]],
    [
      'a file that became a link',
      [{ path: 'a', content: 'x' }],
      [{ path: 'a', type: '2', link: 'b' }],
    ],
    [
      'a link that became a file',
      [{ path: 'a', type: '2', link: 'b' }],
      [{ path: 'a', content: 'x' }],
    ],
    [
      'hard links',
      [
        { path: 'a', content: noise(900) },
        { path: 'b', type: '1', link: './a' },
      ],
      [
        { path: 'a', content: noise(901) },
        { path: 'b', type: '1', link: './a' },
      ],
    ],
    [
      'long names',
      [{ path: `${'d/'.repeat(90)}a`, content: noise(900) }],
      [{ path: `${'d/'.repeat(91)}a`, content: noise(901) }],
    ],
    [
      'names that are not UTF-8, and are one when decoded',
      [
        { path: Buffer.from([0xff]), content: noise(900, 1) },
        { path: Buffer.from([0xfe]), content: noise(900, 2) },
      ],
      [
        { path: Buffer.from([0xff]), content: noise(900, 2) },
        { path: Buffer.from([0xfe]), content: noise(900, 1) },
      ],
    ],
    [
      'a path that occurs twice',
      [
        { path: 'a', content: noise(900, 1) },
        { path: 'a', content: noise(900, 2) },
      ],
      [{ path: 'a', content: noise(900, 1) }],
    ],
    [
      'a .gz of gzip -9n',
      [{ path: 'a.gz', content: gnu(text(1)) }],
      [{ path: 'a.gz', content: gnu(text(2)) }],
    ],
    [
      'a .gz with a time',
      [{ path: 'a.gz', content: named(text(1)) }],
      [{ path: 'a.gz', content: named(text(2)) }],
    ],
    [
      'a .gz that nobody reproduces',
      [{ path: 'a.gz', content: foreignGzip(text(1)) }],
      [{ path: 'a.gz', content: foreignGzip(text(2)) }],
    ],
    [
      'a .gz of nothing',
      [{ path: 'a.gz', content: gnu(text(1)) }],
      [{ path: 'a.gz', content: gnu(Buffer.alloc(0)) }],
    ],
    [
      'a .gz and its empty predecessor',
      [{ path: 'a.gz', content: gnu(Buffer.alloc(0)) }],
      [{ path: 'a.gz', content: gnu(text(1)) }],
    ],
    [
      'a damaged .gz',
      [{ path: 'a.gz', content: gnu(text(1)) }],
      [{ path: 'a.gz', content: gnu(text(2)).subarray(0, 99) }],
    ],
    [
      'a .gz that was compressed anew',
      [{ path: 'a.gz', content: named(text(1)) }],
      [{ path: 'a.gz', content: gnu(text(1)) }],
    ],
    [
      'contents that look like zstd',
      [{ path: 'a', content: Buffer.from('28b52ffd00112233445566', 'hex') }],
      [{ path: 'a', content: Buffer.from('28b52ffd0011223344556677', 'hex') }],
    ],
    [
      'contents that look like a zstd dictionary',
      [{ path: 'a', content: Buffer.from('37a430ec00112233445566', 'hex') }],
      [{ path: 'a', content: Buffer.from('37a430ec0011223344556677', 'hex') }],
    ],
  ])('with %s are rebuilt bit for bit', async (_what, old, next) => {
    const made = await roundTripOf({ entries: old }, { version: '2', entries: next });
    expect(made.isExact).toBe(true);
  });

  it('with megabytes of zeros on both sides do not take minutes', async () => {
    const zeros = Buffer.alloc(4 << 20);
    const old = { entries: [{ path: 'a', content: Buffer.concat([noise(9), zeros]) }] };
    const entries = [{ path: 'a', content: Buffer.concat([zeros, noise(10)]) }];
    expect((await roundTripOf(old, { version: '2', entries })).isExact).toBe(true);
  });

  it('never read conffiles, which people edit', async () => {
    const entries = [{ path: 'etc/conf', content: noise(5000) }];
    const control = { conffiles: '/etc/conf\n' };
    const made = await roundTripOf({ entries, control }, { version: '2', entries, control });
    expect(made.isExact).toBe(true);
    expect(made.deltaBytes).toBeGreaterThan(5000);
  });

  it('open a .gz, so that a changed word costs little', async () => {
    const long = noise(20_000).toString('hex');
    const pair = ['old words', 'new words'].map((words) => ({
      version: words.slice(0, 3) === 'old' ? '1' : '2',
      entries: [{ path: 'a.gz', content: gnu(Buffer.from(`${words} ${long}`)) }],
    }));
    expect((await roundTripOf(pair[0] ?? {}, pair[1] ?? {})).deltaBytes).toBeLessThan(1500);
  });

  it('are rebuilt bit for bit whatever they hold', async () => {
    const paths = ['usr/bin/a', 'usr/lib/liba.so.1', 'usr/lib/liba.so.2', 'doc/a.gz', 'etc/a.conf'];
    const content = fc.oneof(
      fc.tuple(fc.nat(4), fc.nat(3000)).map(([seed, length]) => noise(length, seed + 1)),
      fc.tuple(fc.nat(4), fc.nat(900)).map(([seed, length]) => gnu(noise(length, seed + 1))),
      fc.string({ maxLength: 60 }).map((words) => Buffer.from(words)),
      fc.string({ maxLength: 60 }).map((words) => foreignGzip(Buffer.from(words))),
    );
    const file = fc.record({ path: fc.constantFrom(...paths), content });
    const link = fc.record({
      path: fc.constantFrom('usr/bin/b', 'usr/lib/liba.so'),
      type: fc.constantFrom('1', '2'),
      link: fc.constantFrom('./usr/bin/a', 'nowhere'),
    });
    const entries = fc.uniqueArray(fc.oneof(file, link), { selector: (entry) => entry.path });
    const conffiles = fc.option(fc.constant({ conffiles: '/etc/a.conf\n' }), { nil: undefined });
    const deb = fc
      .record({ entries, control: conffiles, hasSums: fc.boolean() })
      .map(({ control, ...rest }) => ({ ...rest, ...(control && { control }) }));
    await fc.assert(
      fc.asyncProperty(deb, deb, async (old, next) => {
        expect((await roundTripOf(old, { ...next, version: '2' })).isExact).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a diff', () => {
  it('gives the same bytes every time', async () => {
    const [first, second] = [await temporaryFolder(), await temporaryFolder()];
    const [a, b] = [await makeSampleDelta(first), await makeSampleDelta(second)];
    expect(a.bytes.equals(b.bytes)).toBe(true);
  });

  it('leads from one package of a series to the next, whose paths have other versions', async () => {
    const content = noise(20_000, 1);
    const kernel = (abi: string): TinyDeb => ({
      package: `linux-image-${abi}-amd64`,
      version: `${abi}-1`,
      entries: [
        { path: `boot/vmlinuz-${abi}-amd64`, content: Buffer.concat([Buffer.from(abi), content]) },
      ],
    });
    const result = await roundTripOf(kernel('6.1.0'), kernel('6.1.1'));
    expect(result.isExact).toBe(true);
    expect(result.deltaBytes).toBeLessThan(1000);
  });

  it('takes how the new .deb is packed from an earlier one', async () => {
    const folder = await temporaryFolder();
    const { oldDeb, newDeb } = fixturePair('php8.2-pspell');
    const diff = (name: string, options = {}) =>
      diffDebs(oldDeb, newDeb, join(folder, name), options);
    const { packing, work } = await diff('first');
    const counts = packing.counts.map((count) => ({ ...count, searchSteps: 1e9 }));
    const second = await diff('second', { packing: { ...packing, counts } });
    expect(second.work.compress).toBeGreaterThan(work.compress);
    expect(await readFile(join(folder, 'second'))).toEqual(await readFile(join(folder, 'first')));
  });

  it('of two packages is a usage error', async () => {
    const folder = await temporaryFolder();
    const pair = [{ package: 'one' }, { package: 'other' }] as const;
    expect(await errorCode(makeSampleDelta(folder, pair))).toBe('usage');
  });

  it('names what it saves and where its bytes went', async () => {
    const folder = await temporaryFolder();
    const { path, newPath } = await makeSampleDelta(folder);
    const { header, bytes, streams } = await describeDelta(path);
    expect(header.target.size).toBe((await readFile(newPath)).length);
    expect(bytes).toBe((await readFile(path)).length);
    expect(streams.reduce((sum, row) => sum + row.packedBytes, 0)).toBeLessThanOrEqual(bytes);
    expect(streams.map((row) => row.name)).toContain('plain-extra');
  });

  it('keeps an older file at its target when it fails', async () => {
    const folder = await temporaryFolder();
    const target = join(folder, 'kept.delta');
    await writeFile(target, 'before');
    const [pair] = FIXTURE_PAIRS;
    const broken = join(folder, 'broken.deb');
    await writeFile(broken, (await readFile(pair?.newDeb ?? '')).subarray(0, 5000));
    expect(
      await errorCode(diffDebs(pair?.oldDeb ?? '', broken, target, { temporaryParent: folder })),
    ).toBe('deb-malformed');
    expect(await readFile(target, 'utf8')).toBe('before');
  });
});
