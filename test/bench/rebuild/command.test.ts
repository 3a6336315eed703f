import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { measuredRoute, type RebuildReport } from '../../../bench/rebuild/results.js';
import { EXIT_STATUS } from '../../../shared/errors.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { runCli } from '../../support/cli.js';
import { fixturePair } from '../../support/fixture-pairs.js';
import { needs } from '../../support/needs.js';

const pair = fixturePair('php8.2-pspell');

const describeHere = await needs('time', 'taskset', 'xz', 'debdelta');

describeHere('debshoal-bench rebuild', () => {
  it('measures all routes of a pair, and the set, and writes the page', async () => {
    const folder = await temporaryFolder();
    const [deltas, out] = [join(folder, 'deltas'), join(folder, 'report')];
    const { status, json } = await runCli('bench', [
      ...['rebuild', '--only', pair.name, '--set', 'also', '--json'],
      ...['--deltas', deltas, '--report', out],
    ]);
    expect(status).toBe(0);
    const report = json as RebuildReport;
    const [result] = report.pairs;
    if (result === undefined) throw new Error('no pair');
    expect(result).toMatchObject({ name: pair.name, newBytes: pair.newSize });
    for (const route of ['exact', 'expanded', 'debdelta'] as const) {
      const [measured] = measuredRoute(result, route);
      expect(Object.keys(measured?.runs ?? {}), route).toEqual(Object.keys(result.xz));
      expect(measured?.bytes, route).toBeLessThan(pair.newSize);
      for (const run of Object.values(measured?.runs ?? {})) {
        expect(run.wallSeconds, route).toBeGreaterThan(0);
        expect(run.peakRssBytes, route).toBeGreaterThan(1e6);
        expect(run.readBytes, route).toBeGreaterThan(0);
      }
    }
    expect(Object.values(result.startUp).map(({ wallSeconds }) => wallSeconds > 0)).not.toContain(
      false,
    );
    expect(report.set).toMatchObject({ packages: 1 });
    expect((await readdir(deltas)).sort()).toEqual([
      `${pair.name}.debdelta`,
      `${pair.name}.debshoal`,
    ]);
    expect(JSON.parse(await readFile(join(out, 'report.json'), 'utf8'))).toEqual(report);
    expect(await readFile(join(out, 'index.html'), 'utf8')).toContain('</html>');
  });

  it('is asked for at least one run', async () => {
    const { errorCode, status } = await runCli('bench', ['rebuild', '--runs', '0', '--json']);
    expect([errorCode, status]).toEqual(['usage', EXIT_STATUS.usage]);
  });
});

describeHere('a pair that cannot be measured', () => {
  it('is a row with its error', async () => {
    const folder = await temporaryFolder();
    const list = join(folder, 'pairs.tsv');
    await writeFile(list, `gone\t${pair.oldDeb}\t/nonexistent/new.deb\n`);
    const { status, json } = await runCli('bench', ['rebuild', '--pairs', list, '--json']);
    expect(status).toBe(EXIT_STATUS['tool-failed']);
    expect(json).toMatchObject({
      pairs: [{ name: 'gone', routes: { exact: { kind: 'failed', code: 'io-failed' } } }],
    });
  });
});
