import { readFile } from 'node:fs/promises';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  decodeDeltasIndex,
  encodeDeltasIndex,
  type DeltasIndex,
  type IndexedDelta,
  type IndexedPackage,
} from '../../../shared/index/deltas-index.js';
import { errorCode } from '../../support/error-code.js';
import { SAMPLE_INDEX } from '../../support/sample-index.js';

const hex = (digits: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.constantFrom(...'0123456789abcdef'.split('')),
    minLength: digits,
    maxLength: digits,
  });
const packageName = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,12}$/);

const indexes: fc.Arbitrary<DeltasIndex> = fc
  .uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9.+-]{0,10}$/), { minLength: 1, maxLength: 4 })
  .chain((names) => {
    const delta = fc.record({
      oldPackage: fc.constantFrom('kernel-1-amd64', 'kernel-1.9-amd64'),
      oldVersion: fc.stringMatching(/^0\.[a-z0-9.+~]{0,6}[a-z0-9](-[0-9]{1,2})?$/),
      size: fc.integer({ min: 1, max: 2 ** 31 }),
      sha256: hex(64),
      memoryMiB: fc.integer({ min: 300, max: 4096 }),
      batch: fc.nat(names.length - 1),
      work: fc.record({ decode: fc.nat(1e6), compress: fc.nat(1e6) }),
    }) satisfies fc.Arbitrary<IndexedDelta>;
    const anyEntry = fc.record({
      package: fc.oneof(packageName, fc.constant('kernel-2-amd64')),
      architecture: fc.constantFrom('amd64', 'all'),
      version: fc.constantFrom('1:2.3-4', '99-1+b1'),
      size: fc.integer({ min: 1, max: 2 ** 32 }),
      sha256: hex(64),
      infoHash: fc.option(hex(40)),
      filename: fc.option(fc.constantFrom('pool/a_1%3a2.deb', 'x~y.deb')),
      expanded: fc.record({ size: fc.integer({ min: 1, max: 2 ** 33 }), sha256: hex(64) }),
      encoderMiB: fc.option(fc.nat(300)),
      deltas: fc.uniqueArray(delta, { maxLength: 4, selector: (one) => one.oldVersion }),
    }) satisfies fc.Arbitrary<IndexedPackage>;
    // Only packages of a series have predecessors of another name.
    const entry = anyEntry.map((one) =>
      one.package === 'kernel-2-amd64'
        ? one
        : { ...one, deltas: one.deltas.map((each) => ({ ...each, oldPackage: one.package })) },
    );
    return fc.record({
      suite: fc.constantFrom('bookworm', 'bookworm/updates', 'sid'),
      component: fc.constantFrom('main', 'updates/main'),
      architecture: fc.constant('amd64'),
      announce: fc.subarray(['http://t.example.org/a', 'https://t.example.org', 'udp://t:1']),
      batches: fc.tuple(...names.map((name) => hex(40).map((infoHash) => ({ name, infoHash })))),
      packages: fc.uniqueArray(entry, { maxLength: 5, selector: (one) => one.package }),
    });
  });

describe('the Deltas index', () => {
  test('round trip', () => {
    fc.assert(
      fc.property(indexes, (index) => {
        expect(decodeDeltasIndex(encodeDeltasIndex(index))).toEqual(index);
      }),
    );
  });

  test('without batches and packages', () => {
    const empty = { ...SAMPLE_INDEX, batches: [], packages: [] };
    expect(decodeDeltasIndex(encodeDeltasIndex(empty))).toEqual(empty);
  });

  // `npx vitest -u` rewrites it, which is a new format: raise the number, and keep this one.
  test('format 1 stays as it is', async () => {
    await expect(encodeDeltasIndex(SAMPLE_INDEX)).toMatchFileSnapshot('golden/Deltas-1');
    const golden = await readFile(new URL('golden/Deltas-1', import.meta.url));
    expect(decodeDeltasIndex(golden)).toEqual(SAMPLE_INDEX);
  });

  test('a delta takes under 150 bytes', () => {
    const [first, ...others] = SAMPLE_INDEX.packages;
    if (first === undefined) throw new Error('an empty sample');
    const few = { ...SAMPLE_INDEX, packages: [{ ...first, deltas: [] }, ...others] };
    const bytes = encodeDeltasIndex(SAMPLE_INDEX).length - encodeDeltasIndex(few).length;
    expect(bytes / first.deltas.length).toBeLessThan(150);
  });

  test('fields that a later generator adds are ignored', () => {
    const text = encodeDeltasIndex(SAMPLE_INDEX).replaceAll(/^Size:/gm, 'New-Field: 1\n x\nSize:');
    expect(decodeDeltasIndex(text)).toEqual(SAMPLE_INDEX);
  });
});

describe('decodeDeltasIndex refuses', () => {
  const good = encodeDeltasIndex(SAMPLE_INDEX);
  const hash = 'a'.repeat(64);
  test.each<[string, string | RegExp, string]>([
    ['another format', 'Format: 1', 'Format: 2'],
    ['no format', 'Format: 1\n', ''],
    ['a suite that leaves its folder', 'Suite: bookworm', 'Suite: ../bookworm'],
    ['a component that leaves its folder', 'Component: main', 'Component: a/../../b'],
    ['an unknown kind of architecture', /^Architecture: amd64/m, 'Architecture: AMD/64'],
    ['a package of another architecture', 'Architecture: all', 'Architecture: arm64'],
    ['a package name with a slash', 'Package: perl-doc', 'Package: ../perl-doc'],
    ['a version with a slash', 'Version: 5:5.36.0', 'Version: 5:/5.36.0'],
    ['a size that is no number', 'Size: 1442104', 'Size: 0x10'],
    ['a negative size', 'Size: 1442104', 'Size: -1'],
    ['a size beyond every .deb', 'Size: 1442104', 'Size: 9999999999'],
    ['a size beyond exact integers', 'Size: 1442104', 'Size: 99999999999999999999'],
    ['a hash that is none', /SHA256: [0-9a-f]{4}/, 'SHA256: wxyz'],
    ['an info hash in upper case', /Info-Hash: [0-9a-f]{40}/, `Info-Hash: ${'A'.repeat(40)}`],
    ['an expanded form without a hash', /^(Expanded: [0-9]+) .*/m, '$1'],
    ['an expanded form without a size', /^Expanded: [0-9]+ /m, 'Expanded: '],
    ['an expanded form of too many words', /^(Expanded: .*)/m, '$1 1'],
    ['an expanded form beyond every .deb', /^Expanded: [0-9]+/m, 'Expanded: 99999999999'],
    ['deltas that rebuild no expanded form', /^Expanded: .*\n/m, ''],
    ['an encoder of more memory than all', 'Encoder-Memory: 20', 'Encoder-Memory: 25'],
    ['an absolute filename', 'Filename: pool', 'Filename: /pool'],
    ['a filename that leaves the pool', 'Filename: pool', 'Filename: pool/../..'],
    ['a filename that a URL takes for ..', 'Filename: pool', 'Filename: %2e%2e'],
    ['a filename with NUL', 'Filename: pool', 'Filename: po\0ol'],
    ['a batch that leaves its folder', /2026-02-28t060000z/, '..'],
    ['a batch with a slash', /2026-02-28t060000z/, 'a/b'],
    ['batches out of order', '\n 1 ', '\n 2 '],
    ['two batches of one name', '2026-02-28', '2026-03-01'],
    ['a delta in a batch that is not there', ' 24 1 ', ' 24 2 '],
    ['a delta that needs all memory', ' 24 1 ', ' 6145 1 '],
    ['a delta from the same version', ' 3.0.20-1~deb12u2 ', ' 3.0.22-1~deb12u2 '],
    ['a delta from a newer version', ' 3.0.20-1~deb12u2 ', ' 1:3.0.20-1~deb12u2 '],
    ['two deltas from one version', ' 3.0.20-1~deb12u2 ', ' 3.0.19-1~deb12u1 '],
    ['a delta line with a word more', ' 40 800\n', ' 40 800 x\n'],
    ['a delta line with a word less', ' 40 800\n', ' 40\n'],
    ['a delta of negative work', ' 40 800\n', ' -1 800\n'],
    ['a delta of endless work', ' 40 800\n', ' 40 604800001\n'],
    ['deltas on the first line', /Deltas:\n/, `Deltas: 1 1 ${hash} 1 0\n`],
    ['a field twice', 'Size: 1442104', 'Size: 1442104\nSize: 1'],
    ['a package twice', /$/, good.slice(good.indexOf('\nPackage: openssl'))],
    ['nothing but blank lines', /^[^]*$/, '\n\n'],
  ])('%s', async (_, pattern, replacement) => {
    const text = good.replace(pattern, replacement);
    expect(text).not.toBe(good);
    expect(await errorCode(() => decodeDeltasIndex(text))).toBe('index-malformed');
  });

  test('a stanza without an end', async () => {
    const text = `Format: 1\nBatches:\n${` 0 ${hash}\n`.repeat(50_000)}`;
    expect(await errorCode(() => decodeDeltasIndex(text))).toBe('limit-exceeded');
  });

  test('random bytes and random damage, with a code', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length - 1),
        fc.string({ unit: 'binary', maxLength: 4 }),
        async (place, text) => {
          const damaged = good.slice(0, place) + text + good.slice(place + 1);
          const code = await errorCode(() => decodeDeltasIndex(damaged));
          expect(['none', 'index-malformed', 'limit-exceeded']).toContain(code);
        },
      ),
    );
  });
});

describe('encodeDeltasIndex refuses', () => {
  const [openssl, ...others] = SAMPLE_INDEX.packages;
  const [delta] = openssl?.deltas ?? [];
  test.each<[string, Partial<IndexedPackage>, Partial<IndexedDelta>]>([
    ['a line in a package name', { package: 'a\nSize: 1' }, {}],
    ['a line in a version', { version: '1\n\nPackage: b' }, {}],
    ['a line in an old version', {}, { oldVersion: `1 1 ${'a'.repeat(64)} 1 0\n 2` }],
    ['an old package of another series', {}, { oldPackage: 'tzdata' }],
    ['a path for an old package', {}, { oldPackage: '../openssl' }],
    ['a size with a fraction', { size: 1.5 }, {}],
    ['an unsafe filename', { filename: '../x' }, {}],
    ['a batch that is not there', {}, { batch: 7 }],
  ])('%s', async (_, entry, line) => {
    if (openssl === undefined || delta === undefined) throw new Error('an empty sample');
    const changed = { ...openssl, deltas: [{ ...delta, ...line }], ...entry };
    const index = { ...SAMPLE_INDEX, packages: [changed, ...others] };
    expect(await errorCode(() => encodeDeltasIndex(index))).toBe('index-malformed');
  });
});
