import { openSync, writeSync } from 'node:fs';

import { openAttack } from '../fuzz/attack.js';
import { makeMutant, readOriginals } from '../fuzz/mutant.js';
import { isFinding, OUTCOMES } from '../fuzz/outcome.js';
import type { FromWorker, WorkerTask } from '../fuzz/worker-messages.js';

/*
 * Attacks with mutants `from` up to `to`, and appends one byte for each to the log as it ends. The
 * log, not a message, because a worker that hangs or crashes sends nothing any more: its length
 * tells the parent which mutant did it.
 */

const task = JSON.parse(process.argv[2] ?? '') as WorkerTask;
const log = openSync(task.log, 'a');
const send = (message: FromWorker): void => {
  process.send?.(message);
};

/** What instances of WebAssembly held is freed with them, but not before the collector runs. */
const COLLECT_EVERY = 64;

let number = task.from;
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.send?.({ kind: 'uncaught', number, detail } satisfies FromWorker, () => {
      process.exit(1);
    });
  });
}

// Also when its parent was killed.
process.on('disconnect', () => {
  process.exit();
});

const originals = await readOriginals(task.target);
const attack = await openAttack(task.target, task.folder);
send({ kind: 'ready' });
let slowest = 0;
for (; number < task.to; number++) {
  const { bytes, layer } = makeMutant(originals, task.seed, number);
  const started = performance.now();
  const { outcome, detail } = await attack.run(bytes);
  const seconds = (performance.now() - started) / 1000;
  if (isFinding(outcome)) send({ kind: 'finding', number, outcome, layer, detail });
  if (seconds > slowest) {
    slowest = seconds;
    send({ kind: 'slowest', number, seconds });
  }
  writeSync(log, Buffer.from([OUTCOMES.indexOf(outcome)]));
  if (number % COLLECT_EVERY === 0) globalThis.gc?.();
}
await attack.close();
send({ kind: 'done', peakRssBytes: process.resourceUsage().maxRSS * 1024 });
process.disconnect();
