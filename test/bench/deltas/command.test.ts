import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { DeltasReport } from '../../../bench/deltas/measure-deltas.js';
import { EXIT_STATUS } from '../../../shared/errors.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { runCli, startCli } from '../../support/cli.js';
import { fixturePair } from '../../support/fixture-pairs.js';
import { needs } from '../../support/needs.js';

const small = fixturePair('php8.2-pspell');
const large = fixturePair('openssl');

async function writeList(
  folder: string,
  ...pairs: readonly { name: string; oldDeb: string; newDeb: string }[]
): Promise<string> {
  const path = join(folder, 'pairs.tsv');
  const lines = pairs.map(({ name, oldDeb, newDeb }) => `${name}\t${oldDeb}\t${newDeb}\n`);
  await writeFile(path, lines.join(''));
  return path;
}

const describeHere = await needs('time', 'debdelta', 'xdelta3', 'bsdiff', 'zstd');

describeHere('debshoal-bench deltas', () => {
  it('measures ours and all peers on the same pair', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'report.json');
    const args = ['deltas', '--pairs', await writeList(folder, small), '--out', out, '--json'];
    const { status, json } = await runCli('bench', [
      ...args,
      ...['--peers', 'debdelta,xdelta3,bsdiff,zstd'],
    ]);
    expect(status).toBe(0);
    const report = json as DeltasReport;
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(report);
    expect(report.missing).toEqual([]);
    expect(report.tools).toEqual(['debshoal', 'debdelta', 'xdelta3', 'bsdiff', 'zstd']);
    for (const tool of report.tools) {
      expect(report.pairs[0]?.results[tool], tool).toMatchObject({ isExact: true });
    }
    expect(report.comparisons.map(({ peer }) => peer)).toEqual(report.tools.slice(1));
  });

  it('prints Markdown, and goes on after a broken pair', async () => {
    const folder = await temporaryFolder();
    const junk = join(folder, 'junk.deb');
    await writeFile(junk, 'no package');
    const broken = { name: 'broken', oldDeb: small.oldDeb, newDeb: junk };
    const list = await writeList(folder, broken, small);
    const args = ['deltas', '--pairs', list, '--peers', 'bsdiff'];
    const { status, stdout, stderr } = await runCli('bench', args);
    expect(status).toBe(EXIT_STATUS['tool-failed']);
    expect(stdout).toMatch(/^\| broken \| 10 \| failed \| failed \|$/m);
    expect(stdout).toMatch(/^\| php8.2-pspell \| 8852 \| \d+ \| \d+ \|$/m);
    expect(stdout).toMatch(/^\| bsdiff \| 1 \|/m);
    expect(stderr).toContain('2/2 php8.2-pspell');
  });

  it('leaves nothing behind at Ctrl-C', async () => {
    const folder = await temporaryFolder();
    const args = ['deltas', '--pairs', await writeList(folder, large), '--peers', 'bsdiff'];
    const temporary = await temporaryFolder();
    const env = { ...process.env, TMPDIR: temporary };
    const { child, ended } = startCli('bench', [...args, '--no-ours'], { env });
    const isAtWork = async () =>
      (await readdir(temporary, { recursive: true })).some((name) => name.endsWith('.tars'));
    while (!(await isAtWork()) && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill('SIGINT');
    expect((await ended).status).toBe(EXIT_STATUS.interrupted);
    expect(await readdir(temporary)).toEqual([]);
  });
});

describe('what debshoal-bench deltas is asked for', () => {
  it('may be without peers, and without ours', async () => {
    const folder = await temporaryFolder();
    const args = ['deltas', '--pairs', await writeList(folder), '--json', '--peers', 'none'];
    const { status, json } = await runCli('bench', [...args, '--no-ours']);
    expect([status, (json as DeltasReport).tools]).toEqual([0, []]);
  });

  it('names a peer that is not installed', async () => {
    const folder = await temporaryFolder();
    const list = await writeList(folder);
    const env = { ...process.env, PATH: '/usr/bin:/bin' };
    const args = ['deltas', '--pairs', list, '--json', '--no-ours', '--peers', 'hdiffz'];
    const { status, json, stderr } = await runCli('bench', args, { env });
    expect(status).toBe(0);
    expect(json).toMatchObject({ missing: [{ tool: 'hdiffz' }] });
    expect(stderr).toContain('hdiffz is left out');
  });

  it('must be a peer that there is, and pairs that there are', async () => {
    const folder = await temporaryFolder();
    const list = await writeList(folder);
    const asked = (...args: string[]) => runCli('bench', ['deltas', ...args, '--json']);
    expect((await asked('--pairs', list, '--peers', 'bzdiff')).errorCode).toBe('usage');
    expect((await asked('--pairs', join(folder, 'none'))).errorCode).toBe('io-failed');
    await writeFile(list, 'a name without files\n');
    expect((await asked('--pairs', list)).errorCode).toBe('config-invalid');
  });
});
