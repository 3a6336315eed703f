import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { expect, test } from 'vitest';

import {
  openWorkerPool,
  type WorkerPool,
  type WorkerPoolOptions,
} from '../../../shared/io/worker-pool.js';
import { closing, temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';

const compiled = new URL('../../../dist/shared/', import.meta.url).href;

/** What the worker below can do. */
type Task = { echo: unknown } | { fail: string } | { exit: number } | { sleep: string };

const WORKER = `
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { DebshoalError } from '${compiled}errors.js';
import { answerTasks } from '${compiled}io/worker-pool.js';
answerTasks(async (task) => {
  if ('fail' in task) {
    if (task.fail === 'bug') throw new TypeError('a bug');
    throw new DebshoalError(task.fail, 'refused', { hint: 'a hint' });
  }
  if ('exit' in task) process.kill(process.pid, task.exit);
  if ('sleep' in task) {
    const tool = spawn('sleep', ['600']);
    writeFileSync(task.sleep, [process.pid, tool.pid].join(' '));
    await new Promise(() => undefined);
  }
  return { echo: task.echo, pid: process.pid };
});
`;

type Answer = { echo: unknown; pid: number };

async function openPool(
  size: number,
  options?: WorkerPoolOptions,
): Promise<WorkerPool<Task, Answer>> {
  const file = join(await temporaryFolder(), 'worker.mjs');
  await writeFile(file, WORKER);
  return closing(openWorkerPool<Task, Answer>(pathToFileURL(file), size, options));
}

/** Starts a task that lasts for ever; the processes of the worker and of its tool. */
async function startEndless(
  pool: WorkerPool<Task, Answer>,
  signal?: AbortSignal,
): Promise<{ code: Promise<string>; pids: number[] }> {
  const file = join(await temporaryFolder(), 'pids');
  const code = errorCode(pool.run({ sleep: file }, signal));
  let text = '';
  while (!/\d \d+$/.test(text)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    text = await readFile(file, 'utf8').catch(() => '');
  }
  return { code, pids: text.split(' ').map(Number) };
}

/** proc(5): a zombie has ended, only nobody has asked for its status yet. */
async function runs(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text !== '' && !/\) [ZX] /.test(text);
}

async function untilEnded(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    while (await runs(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('tasks share the workers, which are used again', async () => {
  const pool = await openPool(2);
  const answers = await Promise.all([1, 2, 3, 4, 5].map((echo) => pool.run({ echo })));
  expect(answers.map(({ echo }) => echo)).toEqual([1, 2, 3, 4, 5]);
  expect(new Set(answers.map(({ pid }) => pid)).size).toBe(2);
});

test('of the tasks that wait, the heaviest is next, then the one that waited longest', async () => {
  const pool = await openPool(1);
  const order: number[] = [];
  const run = async (echo: number, weight: number): Promise<void> => {
    await pool.run({ echo }, undefined, weight);
    order.push(echo);
  };
  await Promise.all([run(1, 0), run(2, 5), run(3, 9), run(4, 5), run(5, 0)]);
  expect(order).toEqual([1, 3, 2, 4, 5]);
});

test.each([
  ['normal', 0],
  ['low', 10],
] as const)('a worker has the priority that was asked for: %s', async (priority, nicer) => {
  const pool = await openPool(1, { priority });
  const { pid } = await pool.run({ echo: 1 });
  expect(getPriority(pid)).toBe(Math.min(19, getPriority() + nicer));
  const classOf = (of: number): string => execFileSync('ionice', ['-p', `${of}`]).toString();
  if (priority === 'low') expect(classOf(pid)).toMatch(/^idle/);
  else expect(classOf(pid)).toBe(classOf(process.pid));
});

test('a failure keeps its code and hint; its worker goes on', async () => {
  const pool = await openPool(1);
  const { pid } = await pool.run({ echo: 1 });
  await expect(pool.run({ fail: 'hash-mismatch' })).rejects.toMatchObject({
    code: 'hash-mismatch',
    hint: 'a hint',
  });
  expect(await pool.run({ echo: 1 })).toEqual({ echo: 1, pid });
});

test('a bug in a task is reported as one', async () => {
  const pool = await openPool(1);
  await expect(pool.run({ fail: 'bug' })).rejects.not.toHaveProperty('code');
});

test('a worker that dies takes only its task along', async () => {
  const pool = await openPool(1);
  expect(await errorCode(pool.run({ exit: 9 }))).toBe('limit-exceeded');
  expect(await pool.run({ echo: 1 })).toMatchObject({ echo: 1 });
});

test('an abort ends the worker and the tools that it runs, not the others', async () => {
  const pool = await openPool(1);
  const controller = new AbortController();
  const endless = await startEndless(pool, controller.signal);
  const waiting = pool.run({ echo: 1 });
  controller.abort();
  expect(await endless.code).toBe('interrupted');
  await untilEnded(endless.pids);
  expect(await waiting).toMatchObject({ echo: 1 });
  expect(await errorCode(pool.run({ echo: 1 }, controller.signal))).toBe('interrupted');
});

test('closing ends workers at work, and tasks that wait', async () => {
  const pool = await openPool(1);
  const endless = await startEndless(pool);
  const waiting = errorCode(pool.run({ echo: 1 }));
  await pool.close();
  expect(await Promise.all([endless.code, waiting])).toEqual(['interrupted', 'interrupted']);
  await untilEnded(endless.pids);
});
