import { existsSync, readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { compareVersions, isVersion } from '../../../shared/deb/version.js';
import { runTool } from '../../../shared/io/run-tool.js';

const SHIPPED_PAIRS = new URL('../../../fixtures/pairs.tsv', import.meta.url);
const dpkgMissing = process.env['CI'] === undefined && !existsSync('/usr/bin/dpkg');

/** Ascending; taken from Debian, Ubuntu and Policy 5.6.12, with neighbours that invite mistakes. */
const ASCENDING = [
  '0~~',
  '0~~a',
  '0~',
  '0',
  '0.0~rc1-1',
  '0.0-1',
  '1.0~beta1~svn1245-1',
  '1.0~beta1-1',
  '1.0-1',
  '1.0-1+b1',
  '1.0-1+deb12u1',
  '1.0-1+deb12u2~bpo11+1',
  '1.0-1+deb12u2',
  '1.0-1.1',
  '1.0-2',
  '1.0-10',
  '1.0a-1',
  '1.0+dfsg-1',
  '1.0.1-1',
  '3.0.20-1~deb12u2',
  '3.0.22-1~deb12u2',
  '8.2.32-1~deb12u1',
  '8.2.36-1~deb12u1',
  '10.0.0~dfsg-11+deb12u8',
  '10.0.0~dfsg-11+deb12u9',
  '2024a-0+deb12u1',
  '2025b-0+deb12u2',
  '20230101.1234567890123456789-1',
  '20230101.1234567890123456790-1',
  '1:0-1',
  '1:2.39.5-0+deb12u2',
  '1:2.39.5-0+deb12u10',
  '1:2.39.5:7-1',
  '4:7.4.7-1+deb12u8',
  '10:1-1',
];

/** Few characters and many boundaries: where two implementations disagree, they do it here. */
const nastyVersion = fc
  .tuple(
    fc.option(fc.constantFrom('0', '00', '1', '2', '10'), { nil: undefined }),
    fc.array(fc.constantFrom('0', '1', '9', '09', '10', 'a', 'Z', '~', '+', '.', '-', ':', '~~'), {
      maxLength: 8,
    }),
    fc.option(fc.array(fc.constantFrom('0', '1', '10', 'a', '~', '+', '.'), { maxLength: 4 }), {
      nil: undefined,
    }),
  )
  .map(([epoch, upstream, revision]) => {
    const head = epoch === undefined ? '' : `${epoch}:`;
    return `${head}1${upstream.join('')}${revision === undefined ? '' : `-${revision.join('')}`}`;
  });

/** One shell for all of them: a process each for dpkg is enough. */
async function askDpkg(script: string, lines: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await runTool('sh', ['-c', `while read -r a b; do ${script}; done`], {
    input: lines.map((line) => `${line}\n`).join(''),
    maxOutput: 1 << 20,
  });
  return stdout.toString().trim().split('\n');
}

async function expectSameOrderAsDpkg(pairs: readonly (readonly [string, string])[]): Promise<void> {
  const answers = await askDpkg(
    'if dpkg --compare-versions "$a" lt "$b"; then echo -1; ' +
      'elif dpkg --compare-versions "$a" eq "$b"; then echo 0; else echo 1; fi',
    pairs.map(([a, b]) => `${a} ${b}`),
  );
  expect(pairs.map(([a, b]) => `${a} ${b} ${compareVersions(a, b)}`)).toEqual(
    pairs.map(([a, b], index) => `${a} ${b} ${String(answers[index])}`),
  );
}

describe('compareVersions', () => {
  test('orders a ladder of real versions', () => {
    expect([...ASCENDING].reverse().sort(compareVersions)).toEqual(ASCENDING);
    for (const version of ASCENDING) expect(isVersion(version)).toBe(true);
  });

  test('takes versions for equal that differ only in zeros', () => {
    for (const [a, b] of [
      ['1.0', '1.00'],
      ['1.0', '0:1.0'],
      ['1', '1-0'],
      ['1.', '1.0'],
    ] as const) {
      expect(compareVersions(a, b)).toBe(0);
    }
  });

  test('is antisymmetric', () => {
    fc.assert(
      fc.property(nastyVersion, nastyVersion, (a, b) => {
        expect(compareVersions(a, b) + compareVersions(b, a)).toBe(0);
        expect(compareVersions(a, a)).toBe(0);
      }),
    );
  });

  // dpkg is part of every Debian; elsewhere there is nothing to compare with.
  test.skipIf(dpkgMissing)('agrees with dpkg on the ladder and on shipped pairs', async () => {
    const neighbours = ASCENDING.slice(1).map((b, index) => [ASCENDING[index] ?? '', b] as const);
    const shipped = existsSync(SHIPPED_PAIRS)
      ? readFileSync(SHIPPED_PAIRS, 'utf8')
          .trim()
          .split('\n')
          .slice(1)
          .map((line) => [line.split('\t')[4] ?? '', line.split('\t')[5] ?? ''] as const)
      : [];
    await expectSameOrderAsDpkg([...neighbours, ...shipped]);
  });

  test.skipIf(dpkgMissing)('agrees with dpkg on nasty random versions', async () => {
    const pairs = fc.sample(fc.tuple(nastyVersion, nastyVersion), 3000);
    await expectSameOrderAsDpkg(pairs.filter(([a, b]) => isVersion(a) && isVersion(b)));
  });
});

describe('isVersion', () => {
  test('refuses what could leave its field, its line or its file name', () => {
    for (const text of [
      '',
      ' ',
      '1 2',
      '1\n2',
      '1/2',
      '../1',
      '1\0',
      '1_2',
      'a',
      '-1',
      '1-',
      '1:',
    ]) {
      expect(isVersion(text)).toBe(false);
    }
    expect(isVersion('1'.repeat(1000))).toBe(false);
  });

  test.skipIf(dpkgMissing)('agrees with dpkg on random versions', async () => {
    const versions = fc.sample(nastyVersion, 1000);
    const answers = await askDpkg(
      'if dpkg --validate-version "$a" 2>/dev/null; then echo true; else echo false; fi',
      versions,
    );
    expect(versions.map((version) => `${version} ${String(isVersion(version))}`)).toEqual(
      versions.map((version, index) => `${version} ${String(answers[index])}`),
    );
  });
});
