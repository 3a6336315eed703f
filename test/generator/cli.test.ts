import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { EXIT_STATUS, type ErrorCode } from '../../shared/errors.js';
import { noise } from '../support/chunks.js';
import { temporaryFolder } from '../support/cleanup.js';
import { fixturePair } from '../support/fixture-pairs.js';
import { runGenerator, startGenerator } from '../support/run-cli.js';
import { makeSampleDelta } from '../support/sample-delta.js';
import { makeTinyDeb } from '../support/tiny-deb.js';

const pair = fixturePair('php8.2-pspell');

/** Runs with --json and gives the code of the error object; checks the status that goes with it. */
async function codeOf(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await runGenerator(...args, '--json');
  const { error } = JSON.parse(stdout) as { error: { code: ErrorCode; message: string } };
  expect(status).toBe(EXIT_STATUS[error.code]);
  expect(stderr).toContain(`[${error.code}]`);
  return error.code;
}

describe('the generator’s command line', () => {
  it('lists commands and exit statuses in its help', async () => {
    const { status, stdout } = await runGenerator('--help');
    expect(status).toBe(0);
    for (const word of ['init', 'publish', 'diff', 'inspect', 'Exit status']) {
      expect(stdout).toContain(word);
    }
  });

  it.each([
    ['no command', []],
    ['an unknown command', ['defragment']],
    ['an unknown option', ['diff', 'a', 'b', 'c', '--fast']],
    ['missing arguments', ['diff', 'a']],
    ['an option that is given twice', ['publish', 'a', '--out', 'b', '--out', 'c']],
    ['no worker', ['publish', 'a', '--out', 'b', '--workers', '0']],
    ['workers that are no number', ['publish', 'a', '--out', 'b', '--workers', 'many']],
  ])('answers %s with a usage error', async (_what, args) => {
    expect(await codeOf(...args)).toBe('usage');
  });
});

describe('diff', () => {
  it('prints its report as JSON', async () => {
    const target = join(await temporaryFolder(), 'made.delta');
    const { status, stdout } = await runGenerator(
      'diff',
      pair.oldDeb,
      pair.newDeb,
      target,
      '--json',
    );
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(report).toMatchObject({
      package: expect.any(String) as string,
      oldVersion: expect.any(String) as string,
      newVersion: expect.any(String) as string,
      oldBytes: (await readFile(pair.oldDeb)).length,
      newBytes: (await readFile(pair.newDeb)).length,
      deltaBytes: (await readFile(target)).length,
      memoryBytes: expect.any(Number) as number,
      peakRssBytes: expect.any(Number) as number,
    });
    expect(Object.keys(report['seconds'] as object).sort()).toEqual(
      ['expand', 'match', 'prove', 'recipes', 'total'], // prettier-ignore
    );
  });

  it('prints a report for people', async () => {
    const target = join(await temporaryFolder(), 'made.delta');
    const { status, stdout, stderr } = await runGenerator('diff', pair.oldDeb, pair.newDeb, target);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('rebuilt bit for bit');
  });

  it('fails with a code for files that are missing, damaged or of two packages', async () => {
    const folder = await temporaryFolder();
    const [target, junk, other] = ['x.delta', 'junk.deb', 'other.deb'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    await writeFile(junk, noise(1000));
    await writeFile(other, await makeTinyDeb({ package: 'other' }));
    expect(await codeOf('diff', join(folder, 'none.deb'), pair.newDeb, target)).toBe('io-failed');
    expect(await codeOf('diff', pair.oldDeb, junk, target)).toBe('deb-malformed');
    expect(await codeOf('diff', pair.oldDeb, other, target)).toBe('usage');
    expect(await readdir(folder)).toEqual(['junk.deb', 'other.deb']);
  });

  it('leaves nothing behind at Ctrl-C', async () => {
    const folder = await temporaryFolder();
    const large = fixturePair('openssl');
    const count = async () =>
      (await readdir(tmpdir())).filter((name) => name.startsWith('.debshoal-')).length;
    const args = ['diff', large.oldDeb, large.newDeb, join(folder, 'made.delta')];
    // A folder of its own, so that no other test counts.
    process.env['TMPDIR'] = folder;
    try {
      const { child, result } = startGenerator(args);
      let isInside = false;
      while (!isInside && child.exitCode === null) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        isInside = (await count()) > 0;
      }
      child.kill('SIGINT');
      expect(isInside).toBe(true);
      expect((await result).status).toBe(130);
    } finally {
      delete process.env['TMPDIR'];
    }
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('inspect', () => {
  it('shows a delta to people and programs', async () => {
    const { path, bytes } = await makeSampleDelta(await temporaryFolder());
    const text = await runGenerator('inspect', path);
    expect(text).toMatchObject({ status: 0 });
    expect(text.stdout).toContain('tiny amd64 1 -> 2');
    const { stdout } = await runGenerator('inspect', path, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      package: 'tiny',
      oldVersion: '1',
      newVersion: '2',
      bytes: bytes.length,
    });
  });

  it('fails with a code for what is no delta', async () => {
    expect(await codeOf('inspect', pair.newDeb)).toBe('delta-damaged');
    expect(await codeOf('inspect', '/nonexistent.delta')).toBe('io-failed');
  });
});

describe('init and publish', () => {
  it('fail with a code without a home, with a second key, and without an archive', async () => {
    const folder = await temporaryFolder();
    const [home, out] = [join(folder, 'home'), join(folder, 'out')];
    const publish = ['publish', folder, '--out', out, '--home', home];
    expect(await codeOf(...publish)).toBe('config-invalid');
    const { status, stdout } = await runGenerator('init', '--home', home, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      fingerprint: expect.stringMatching(/^[0-9A-F]{40}$/) as string,
    });
    expect(await codeOf('init', '--home', home)).toBe('usage');
    expect(await codeOf(...publish)).toBe('archive-malformed');
    expect(await codeOf('publish', folder, '--out', folder, '--home', home)).toBe('usage');
    await writeFile(join(home, 'generator.conf'), 'Suits: bookworm\n');
    expect(await codeOf(...publish)).toBe('config-invalid');
  });
});
