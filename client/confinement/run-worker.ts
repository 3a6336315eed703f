import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

import { DebshoalError } from '../../shared/errors.js';
import { killGroup } from '../../shared/io/worker-pool.js';
import { LIMITS } from '../../shared/limits.js';
import type { EnclosedCommand } from './find-confinement.js';

/** After its answer a worker ends by itself; only then the kernel adds its time to ours. */
const GRACE_MS = 1000;

/** Enough for what Node prints when it runs out of memory. */
const COMPLAINT_BYTES = 4096;

/**
 * Runs a worker for one task: it is given JSON, answers with one line, and ends. Whatever it does,
 * it takes no more of us than memory for that line. `limit-exceeded` when it ends without one or says
 * too much, the reason of `signal` when that ends it.
 */
export async function runWorker(
  { command, feed, isSandbox }: EnclosedCommand,
  task: unknown,
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: folder,
    // Ours may hold passwords of proxies.
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', TMPDIR: folder },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C reaches only us, and we end it with all that it has started.
    detached: true,
  });
  const end = (): void => {
    if (isSandbox) endSandbox(child);
    else killGroup(child);
    // A process that has left the group could keep them open.
    for (const stream of child.stdio) stream?.destroy();
  };
  let grace: NodeJS.Timeout | undefined;
  const answer = collect(child.stdout, LIMITS.workerAnswerBytes, (isWhole) => {
    if (!isWhole) end();
    else grace ??= setTimeout(end, GRACE_MS);
  });
  const complaint = collect(child.stderr, COMPLAINT_BYTES, () => undefined);
  give(child.stdin, JSON.stringify(task));
  give(child.stdio[3] as NodeJS.WritableStream, feed ?? '');
  signal.addEventListener('abort', end);
  try {
    const [status, killedBy] = (await once(child, 'close')) as [number | null, string | null];
    signal.throwIfAborted();
    const [line, rest] = answer().split('\n', 2);
    if (line !== undefined && rest !== undefined) return line;
    const how = `${killedBy ?? `status ${String(status)}`} ${printable(complaint())}`.trim();
    throw new DebshoalError('limit-exceeded', `the worker ended with ${how}`);
  } finally {
    clearTimeout(grace);
    signal.removeEventListener('abort', end);
  }
}

/**
 * Kills the first process of a sandbox, and so all others: bwrap ends only when they have. Were it killed
 * itself, they would end some time after it.
 */
function endSandbox(bwrap: { readonly pid?: number | undefined }): void {
  try {
    // proc(5)
    const path = `/proc/${String(bwrap.pid)}/task/${String(bwrap.pid)}/children`;
    const inside = Number(readFileSync(path, 'utf8'));
    if (inside > 0) process.kill(inside, 'SIGKILL');
    else killGroup(bwrap);
  } catch {
    killGroup(bwrap);
  }
}

/** Hostile text, for a line on somebody's terminal. */
export function printable(text: string): string {
  return text.replace(/[^\P{C}]+/gu, ' ').slice(0, 500);
}

/** Up to `limit` bytes; `whenDone` is told whether a whole line has come, or only so much. */
function collect(
  stream: NodeJS.ReadableStream,
  limit: number,
  whenDone: (isWhole: boolean) => void,
): () => string {
  let kept = Buffer.alloc(0);
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    if (kept.length < limit) kept = Buffer.concat([kept, chunk.subarray(0, limit - kept.length)]);
    const isWhole = kept.includes('\n');
    if (isWhole || kept.length >= limit) whenDone(isWhole);
  });
  return () => kept.toString();
}

/** It may end without reading: that it ended is what counts. */
function give(stream: NodeJS.WritableStream, content: Buffer | string): void {
  stream.on('error', () => undefined).end(content);
}
