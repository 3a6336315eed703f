import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseStanza } from '../../../shared/deb/deb822.js';
import {
  decodeRelease,
  encodeRelease,
  hashRelease,
  parseFileList,
  parseReleaseDate,
  type Release,
} from '../../../shared/index/release.js';
import { readSignedText } from '../../../shared/index/signature.js';
import { errorCode } from '../../support/error-code.js';
import { SAMPLE_RELEASE } from '../../support/sample-index.js';

const second = (low: number, high: number): fc.Arbitrary<Date> =>
  fc.integer({ min: low, max: high }).map((seconds) => new Date(seconds * 1000));
const hash = SAMPLE_RELEASE.archiveReleaseSha256;

const releases: fc.Arbitrary<Release> = fc.record({
  origin: fc.constantFrom('Debian', 'A b \u00e4: c'),
  label: fc.constantFrom('x', 'Debian-Security'),
  suite: fc.constantFrom('bookworm', 'bookworm/updates'),
  codename: fc.constantFrom('bookworm', 'sid'),
  date: second(0, 2_000_000_000),
  validUntil: second(2_000_000_001, 4_000_000_000),
  components: fc.subarray(['main', 'contrib', 'updates/main']),
  architectures: fc.subarray(['amd64', 'all', 'kfreebsd-amd64']),
  counter: fc.maxSafeNat(),
  archiveReleaseSha256: fc.constantFrom(null, hash),
  files: fc.subarray([...SAMPLE_RELEASE.files]),
});

describe('our Release', () => {
  test('round trip', () => {
    fc.assert(
      fc.property(releases, (release) => {
        expect(decodeRelease(encodeRelease(release))).toEqual(release);
      }),
    );
  });

  // `npx vitest -u` rewrites it: clients in the field must still read the old one.
  test('stays as it is', async () => {
    await expect(encodeRelease(SAMPLE_RELEASE)).toMatchFileSnapshot('golden/Release-1');
    const golden = await readFile(new URL('golden/Release-1', import.meta.url), 'utf8');
    expect(decodeRelease(golden)).toEqual(SAMPLE_RELEASE);
  });

  const good = encodeRelease(SAMPLE_RELEASE);
  test.each<[string, string | RegExp, string]>([
    ['a missing counter', 'Counter: 42\n', ''],
    ['a negative counter', 'Counter: 42', 'Counter: -1'],
    ['a counter beyond exact integers', 'Counter: 42', 'Counter: 9007199254740993'],
    ['no Valid-Until', /Valid-Until: .*\n/, ''],
    ['a date in another language', /Date: ..., /, 'Date: So, '],
    ['a date in another time zone', 'UTC', '+0200'],
    [
      'a Valid-Until before the date',
      /Valid-Until: .*/,
      'Valid-Until: Sun, 01 Feb 2026 12:00:00 UTC',
    ],
    ['a suite that leaves its folder', 'Suite: ', 'Suite: ../'],
    ['a component that leaves its folder', 'Components: ', 'Components: ../ '],
    ['a file outside of the suite', ' main/', ' ../main/'],
    ['a file listed twice', '.xz', ''],
    ['a hash that is none', / [0-9a-f]{64} /, ` ${'z'.repeat(64)} `],
    ['a size that is no number', / 5 main/, ' 0x5 main'],
    ['an archive hash that is none', /Archive-Release-SHA256: .*/, 'Archive-Release-SHA256: 1'],
    ['a terminal escape', 'Label: ', 'Label: \u001b[2J'],
    ['a second stanza', /$/, '\nSuite: evil\n'],
  ])('refuses %s', async (_, pattern, replacement) => {
    const text = good.replace(pattern, replacement);
    expect(text).not.toBe(good);
    expect(await errorCode(() => decodeRelease(text))).toBe('index-malformed');
  });

  test('is not written with lines smuggled into it', async () => {
    for (const change of [
      { origin: 'a\nCounter: 1' },
      { label: 'a\n\nSuite: b' },
      { components: ['main\n x'] },
      { files: [{ path: 'a\n b', size: 1, sha256: 'a'.repeat(64) }] },
    ]) {
      expect(await errorCode(() => encodeRelease({ ...SAMPLE_RELEASE, ...change }))).toBe(
        'index-malformed',
      );
    }
  });
});

test('hashRelease names Release and the signed part of InRelease alike', () => {
  expect(hashRelease('A: 1')).toBe(hashRelease('A: 1\n'));
  expect(hashRelease('A: 1\n')).not.toBe(hashRelease('A: 2\n'));
});

describe('Release files of Debian', () => {
  const LISTS = '/var/lib/apt/lists';
  const files = existsSync(LISTS)
    ? readdirSync(LISTS).filter((name) => /debian.*_InRelease$/.test(name))
    : [];
  // Only there after `apt update` on a Debian.
  test.skipIf(process.env['CI'] === undefined && files.length === 0)('can be read', async () => {
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const text = await readSignedText(await readFile(join(LISTS, file)));
      const stanza = parseStanza(text, { code: 'archive-malformed', maxStanzaBytes: 1 << 22 });
      const listed = parseFileList(stanza.get('SHA256') ?? '', 'archive-malformed');
      expect(listed.some(({ path }) => path === 'main/binary-amd64/Packages.xz')).toBe(true);
      expect(parseReleaseDate(stanza.get('Date') ?? '', 'archive-malformed')).toBeInstanceOf(Date);
    }
  });
});
