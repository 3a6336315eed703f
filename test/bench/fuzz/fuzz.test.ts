import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { fuzz } from '../../../bench/fuzz/fuzz.js';
import { withStreams } from '../../../bench/fuzz/layers.js';
import { makeMutant, readOriginals } from '../../../bench/fuzz/mutant.js';
import type { Progress } from '../../../shared/progress.js';
import { noise } from '../../support/chunks.js';
import { temporaryFolder } from '../../support/cleanup.js';

/** Refuses every mutant, but crashes at some. */
const WORKER = `import { appendFileSync } from 'node:fs';
  const { from, to, log } = JSON.parse(process.argv[2]);
  process.send({ kind: 'ready' });
  for (let number = from; number < to; number++) {
    if (number === 1003 || number === 1004) process.kill(process.pid, 'SIGSEGV');
    appendFileSync(log, Buffer.from([1]));
  }
  process.send({ kind: 'done', peakRssBytes: 1 });
  process.disconnect();`;

describe('fuzzing', () => {
  it('goes on behind mutants that crash a process, and keeps them', async () => {
    const folder = await temporaryFolder();
    const workerPath = join(folder, 'worker.mjs');
    await writeFile(workerPath, WORKER);
    const delta = join(folder, 'delta');
    await writeFile(delta, withStreams(noise(12), [{ number: 0, bytes: noise(500) }]));
    const target = { oldDeb: '', newDeb: '', delta, others: [] };
    const progress: Progress[] = [];
    const keep = join(folder, 'keep');
    const report = await fuzz(target, {
      ...{ seed: 9, from: 1000, runs: 10, workers: 1, keep, workerPath },
      limits: { seconds: 20, rssBytes: 1e9 },
      signal: new AbortController().signal,
      report: (step) => progress.push(step),
    });
    expect(report).toMatchObject({
      runs: 10,
      counts: { 'delta-damaged': 8 },
      findings: [
        { number: 1003, kind: 'crashed' },
        { number: 1004, kind: 'crashed' },
      ],
    });
    expect(progress.filter(({ kind }) => kind === 'warning')).toHaveLength(2);
    expect(await readdir(keep)).toEqual(['9-1003-crashed.delta', '9-1004-crashed.delta']);
    const again = makeMutant(await readOriginals(target), 9, 1003);
    expect((await readFile(join(keep, '9-1003-crashed.delta'))).equals(again.bytes)).toBe(true);
  });
});
