import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { OUTCOMES, outcomeOf } from '../../../bench/fuzz/outcome.js';
import { runWorker } from '../../../bench/fuzz/run-worker.js';
import { DebshoalError } from '../../../shared/errors.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';

const LIMITS = { seconds: 20, rssBytes: 1e9 };

/** Runs a worker that does three mutants as it should, and then `body`. */
async function runStub(body: string, limits = LIMITS, signal = new AbortController().signal) {
  const folder = await temporaryFolder();
  const worker = join(folder, 'worker.mjs');
  await writeFile(
    worker,
    `import { appendFileSync } from 'node:fs';
    const task = JSON.parse(process.argv[2]);
    const log = (...outcomes) => appendFileSync(task.log, Buffer.from(outcomes));
    process.send({ kind: 'ready' });
    log(0, 1, 1);
    ${body}`,
  );
  const target = { oldDeb: '', newDeb: '', delta: '', others: [] };
  const range = { from: 100, to: 110, folder: join(folder, 'own'), log: join(folder, 'log') };
  return runWorker({ target, seed: 1, ...range }, limits, signal, worker);
}

describe('a fuzz worker', () => {
  it('is counted when it ends well', async () => {
    const body = `log(6); process.send({ kind: 'slowest', number: 102, seconds: 3 });
      process.send({ kind: 'done', peakRssBytes: 5e9 }); process.disconnect();`;
    expect(await runStub(body)).toEqual({
      done: 4,
      counts: { exact: 1, 'delta-damaged': 2, 'hash-mismatch': 1 },
      findings: [],
      slowest: { number: 102, seconds: 3 },
      peakRssBytes: 5e9,
    });
  });

  it('that crashes is a finding of the mutant that it was at', async () => {
    expect(await runStub(`console.error('why'); process.abort();`)).toMatchObject({
      done: 4,
      counts: { exact: 1, 'delta-damaged': 2 },
      findings: [
        { number: 103, kind: 'crashed', detail: expect.stringContaining('SIGABRT why') as string },
      ],
    });
  });

  it('that exits in the middle is a finding', async () => {
    expect((await runStub('process.exit(0);')).findings).toMatchObject([{ kind: 'crashed' }]);
  });

  it.each([
    ['hangs', 'for (;;);', 0.5],
    ['waits for nothing', 'setInterval(() => 0, 1000);', 0.1],
  ])('that %s is killed', async (_how, body, seconds) => {
    expect(await runStub(body, { ...LIMITS, seconds })).toMatchObject({
      done: 4,
      findings: [{ number: 103, kind: 'too-slow' }],
    });
  });

  it('that grows is killed', async () => {
    const body = `const kept = []; setInterval(() => kept.push(Buffer.alloc(2e7, 1)), 5);`;
    expect(await runStub(body, { ...LIMITS, rssBytes: 2e8 })).toMatchObject({
      findings: [{ number: 103, kind: 'too-much-memory' }],
    });
  });

  it('tells what nobody caught', async () => {
    const body = `process.send({ kind: 'uncaught', number: 103, detail: 'a stack' }, () => process.exit(1));`;
    expect((await runStub(body)).findings).toMatchObject([
      { number: 103, kind: 'not-our-error', detail: 'a stack' },
    ]);
  });

  it('is ended by an interrupt', async () => {
    const signal = AbortSignal.timeout(300);
    expect(await errorCode(runStub('for (;;);', LIMITS, signal))).toBe('interrupted');
  });
});

describe('an outcome', () => {
  it('is a refusal for the codes that a delta may cause, a finding for others', () => {
    const of = (error: unknown) => outcomeOf(error).outcome;
    expect(of(new DebshoalError('delta-damaged', ''))).toBe('delta-damaged');
    expect(of(new DebshoalError('io-failed', ''))).toBe('other-code');
    expect(of(new RangeError('offset'))).toBe('not-our-error');
    expect(of('thrown')).toBe('not-our-error');
  });

  it('fits into a byte of the log', () => {
    expect(OUTCOMES.length).toBeLessThan(256);
  });
});
