import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { parsePairTable } from '../../../bench/fetch-pairs/pair-table.js';
import { FIXTURE_PAIRS } from '../../support/fixture-pairs.js';

const HEADER = 'name package arch version_old version_new suite_old suite_new';
const LINE = 'git git amd64 1:2.39-1 1:2.39-1+b1 bookworm bookworm-security';

const tabs = (...lines: readonly string[]): string =>
  lines.map((line) => `${line.replaceAll(' ', '\t')}\n`).join('');

describe('a table of pairs', () => {
  it('is read by the names of its columns', () => {
    const table = tabs(`${HEADER} sha256_old`, `${LINE} ${'0a'.repeat(32)}`);
    const deb = { package: 'git', architecture: 'amd64' };
    expect(parsePairTable(table)).toEqual([
      {
        name: 'git',
        old: { ...deb, version: '1:2.39-1', sha256: '0a'.repeat(32) },
        new: { ...deb, version: '1:2.39-1+b1', sha256: null },
        suites: ['bookworm', 'bookworm-security'],
      },
    ]);
  });

  it('may name two packages: a kernel has its version in its name', () => {
    const header = HEADER.replace('package', 'package_old package_new');
    const [pair] = parsePairTable(tabs(header, LINE.replace('git git', 'k linux-1 linux-2')));
    expect([pair?.old.package, pair?.new.package]).toEqual(['linux-1', 'linux-2']);
  });

  it('of the shipped pairs is one', async () => {
    const text = await readFile(new URL('../../../fixtures/pairs.tsv', import.meta.url), 'utf8');
    expect(parsePairTable(text).map((pair) => [pair.name, pair.new.sha256])).toEqual(
      FIXTURE_PAIRS.map((pair) => [pair.name, pair.newSha256]),
    );
  });

  it.each([
    ['a column that is missing', tabs(HEADER.replace('arch', 'art'), LINE)],
    [
      'an option in place of a version',
      tabs(HEADER, LINE.replace('1:2.39-1 ', '--download-only ')),
    ],
    ['a name that leads out of the folder', tabs(HEADER, LINE.replace('git', '../git'))],
    ['a line that is too short', tabs(HEADER, 'git git amd64')],
    ['a SHA-256 that is none', tabs(`${HEADER} sha256_new`, `${LINE} 123`)],
  ])('is refused for %s', (_what, table) => {
    expect(() => parsePairTable(table)).toThrow(
      expect.objectContaining({ code: 'config-invalid' }) as Error,
    );
  });
});
