import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { measurePair, type PairResult } from '../../../bench/deltas/measure-pair.js';
import type { DeltaTool } from '../../../bench/deltas/tools.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';
import { needs } from '../../support/needs.js';
import { makeTinyDeb } from '../../support/tiny-deb.js';

const COPY: DeltaTool = {
  name: 'copy',
  definition: 'the whole new file',
  programs: ['cp'],
  input: 'deb',
  diff: (files) => [['cp', files.new, files.delta]],
  apply: (files) => [['cp', files.delta, files.out]],
};
const COPY_TARS: DeltaTool = { ...COPY, name: 'copy-tars', input: 'tars' };
const WRONG: DeltaTool = {
  ...COPY,
  name: 'wrong',
  apply: (files) => [['cp', files.old, files.out]],
};
const BROKEN: DeltaTool = {
  ...COPY,
  name: 'broken',
  diff: () => [['sh', '-c', 'echo out of luck >&2; exit 3']],
};
const LIMITED: DeltaTool = {
  ...COPY,
  name: 'limited',
  limit: { oldBytes: 10, reason: 'too much for it' },
};
const SLOW: DeltaTool = { ...COPY, name: 'slow', diff: () => [['sh', '-c', 'sleep 600 & wait']] };

const OPTIONS = { cores: [], maxSeconds: 60, signal: new AbortController().signal };

async function writePair(folder: string): Promise<{ oldDeb: string; newDeb: string }> {
  const [oldDeb, newDeb] = [join(folder, 'old.deb'), join(folder, 'new.deb')];
  await writeFile(oldDeb, await makeTinyDeb({ version: '1' }));
  await writeFile(newDeb, await makeTinyDeb({ version: '2' }));
  return { oldDeb, newDeb };
}

async function measure(...tools: readonly DeltaTool[]): Promise<PairResult> {
  const pair = await writePair(await temporaryFolder());
  return measurePair({ name: 'tiny', ...pair }, tools, OPTIONS);
}

const describeHere = await needs('time', 'dpkg-deb');

describeHere('measuring a pair', () => {
  it('tells bytes, costs and exactness', async () => {
    const { results, newBytes } = await measure(COPY, COPY_TARS);
    expect(results).toMatchObject({
      copy: {
        kind: 'measured',
        deltaBytes: newBytes,
        isExact: true,
        applySecondsWithRecompression: expect.any(Number) as number,
        applySecondsWithoutRecompression: null,
      },
      'copy-tars': {
        kind: 'measured',
        isExact: true,
        // Two tars of at least one record each.
        deltaBytes: 20_480,
        applySecondsWithRecompression: null,
        applySecondsWithoutRecompression: expect.any(Number) as number,
      },
    });
    const copy = results['copy'];
    if (copy?.kind !== 'measured') throw new Error('not measured');
    for (const { wallSeconds, cpuSeconds, peakRssBytes } of [copy.diff, copy.apply]) {
      expect(wallSeconds).toBeGreaterThanOrEqual(0);
      expect(cpuSeconds).toBeGreaterThanOrEqual(0);
      expect(peakRssBytes).toBeGreaterThan(100_000);
    }
  });

  it('notices an output that differs', async () => {
    expect((await measure(WRONG)).results['wrong']).toMatchObject({ isExact: false });
  });

  it('goes on after a tool that fails, and says why it did', async () => {
    const { results } = await measure(BROKEN, COPY);
    expect(results).toMatchObject({
      broken: { kind: 'failed', code: 'tool-failed' },
      copy: { kind: 'measured' },
    });
    expect(JSON.stringify(results['broken'])).toContain('exited 3: out of luck');
  });

  it('leaves out a tool that the pair is too large for', async () => {
    expect((await measure(LIMITED)).results['limited']).toEqual({
      kind: 'skipped',
      reason: 'too much for it',
    });
  });

  it('makes a row of a .deb that is none', async () => {
    const folder = await temporaryFolder();
    const pair = await writePair(folder);
    await writeFile(pair.newDeb, 'no package');
    const { results } = await measurePair({ name: 'junk', ...pair }, [COPY_TARS, COPY], OPTIONS);
    expect(results).toMatchObject({
      'copy-tars': { kind: 'failed', code: 'deb-malformed' },
      copy: { kind: 'measured' },
    });
  });

  it('makes a row of a .deb that is missing', async () => {
    const pair = { ...(await writePair(await temporaryFolder())), oldDeb: '/nonexistent/old.deb' };
    const result = await measurePair({ name: 'gone', ...pair }, [COPY], OPTIONS);
    expect(result).toMatchObject({
      oldBytes: null,
      results: { copy: { kind: 'failed', code: 'io-failed' } },
    });
  });

  it('goes on after a tool that takes too long', async () => {
    const pair = { name: 'tiny', ...(await writePair(await temporaryFolder())) };
    const { results } = await measurePair(pair, [SLOW, COPY], { ...OPTIONS, maxSeconds: 0.5 });
    expect(results).toMatchObject({
      slow: { kind: 'failed', code: 'limit-exceeded' },
      copy: { kind: 'measured' },
    });
  });

  it('ends what its programs started when it is interrupted', async () => {
    const pair = { name: 'tiny', ...(await writePair(await temporaryFolder())) };
    const controller = new AbortController();
    const running = measurePair(pair, [SLOW, COPY], { ...OPTIONS, signal: controller.signal });
    const before = await sleepers();
    setTimeout(() => {
      controller.abort();
    }, 300);
    expect(await errorCode(running)).toBe('interrupted');
    expect(await sleepers()).toEqual(before);
  });
});

/** Processes of SLOW's kind. */
async function sleepers(): Promise<string[]> {
  const commands = (await readdir('/proc'))
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''));
  return (await Promise.all(commands)).filter((command) => command === 'sleep\u0000600\u0000');
}
