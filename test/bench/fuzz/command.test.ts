import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { FuzzReport } from '../../../bench/fuzz/fuzz.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { runCli } from '../../support/cli.js';
import { makeSampleDelta } from '../../support/sample-delta.js';

async function fuzz(...args: readonly string[]) {
  const folder = await temporaryFolder();
  const { oldPath, newPath } = await makeSampleDelta(folder);
  const list = join(folder, 'pairs.tsv');
  await writeFile(list, `sample\t${oldPath}\t${newPath}\n`);
  return runCli('bench', ['fuzz', '--pairs', list, '--only', 'sample', '--json', ...args]);
}

describe('debshoal-bench fuzz', () => {
  it('finds nothing among some mutants of a delta with every operation', async () => {
    const { status, json } = await fuzz('--runs', '300', '--workers', '2');
    const { sample } = json as Record<string, FuzzReport>;
    expect(sample?.findings).toEqual([]);
    expect(status).toBe(0);
    const counts = Object.values(sample?.counts ?? {});
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(300);
    expect(sample?.counts['delta-damaged']).toBeGreaterThan(0);
  });

  it.each([
    ['no run', ['--runs', '0']],
    ['a pair that is not there', ['--only', 'nothing']],
  ])('answers %s with a usage error', async (_what, args) => {
    expect((await runCli('bench', ['fuzz', '--json', ...args])).errorCode).toBe('usage');
  });
});
