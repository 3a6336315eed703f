import { fork, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { DebshoalError } from '../../shared/errors.js';
import { parseCpuSeconds } from '../measure/process-usage.js';
import { OUTCOMES, type Outcome } from './outcome.js';
import type { FromWorker, WorkerTask } from './worker-messages.js';

/** What a process may take. */
export interface WorkerLimits {
  readonly rssBytes: number;
  /** Of the processor, for one mutant; and so many times IDLE_FACTOR by the clock. */
  readonly seconds: number;
}

export interface Finding {
  /** Of the mutant: with the seed, all that is needed to make it again. */
  readonly number: number;
  readonly kind: Outcome | 'crashed' | 'too-slow' | 'too-much-memory';
  readonly detail: string;
}

export interface WorkerResult {
  /** How many mutants are done, of those that the task names; less when one ended the worker. */
  readonly done: number;
  readonly counts: Readonly<Partial<Record<Outcome, number>>>;
  readonly findings: readonly Finding[];
  readonly slowest: { readonly number: number; readonly seconds: number } | null;
  readonly peakRssBytes: number;
}

const WORKER = fileURLToPath(new URL('../workers/fuzz-worker.js', import.meta.url));
const WATCH_EVERY_MS = 100;
const STDERR_KEPT = 4096;
/** How much longer a mutant may take by the clock: on a busy machine waiting is no fault of it. */
const IDLE_FACTOR = 10;

/**
 * Runs one process over a range of mutants, within limits. When it crashes, hangs or grows, that is
 * a finding, its mutant counts as done, and the caller goes on behind it with a new process.
 */
export async function runWorker(
  task: WorkerTask,
  limits: WorkerLimits,
  signal: AbortSignal,
  workerPath = WORKER,
): Promise<WorkerResult> {
  signal.throwIfAborted();
  await mkdir(task.folder, { recursive: true });
  const child = fork(workerPath, [JSON.stringify(task)], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Whatever it starts ends with it.
    detached: true,
  });
  const kill = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  const heard = listenTo(child);
  const watched = watch(task, child.pid ?? 0, limits, kill);
  signal.addEventListener('abort', kill);
  const end = await new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, killedBy) => {
      resolve(killedBy ?? `exit status ${code ?? 'unknown'}`);
    });
  });
  signal.removeEventListener('abort', kill);
  watched.stop();
  if (signal.aborted) throw new DebshoalError('interrupted', 'interrupted');
  if (!heard.isReady) throw new Error(`a fuzz worker did not start: ${end} ${heard.stderr}`);
  const { done, counts } = await readLog(task.log);
  await rm(task.folder, { recursive: true, force: true });
  const { findings, slowest } = heard;
  const peakRssBytes = Math.max(heard.peakRssBytes, watched.peakRssBytes);
  if (heard.isDone) return { done, counts, findings, slowest, peakRssBytes };
  const number = task.from + done;
  if (!findings.some((finding) => finding.number === number)) {
    const detail = `${end} ${heard.stderr}`.trim();
    findings.push({ number, kind: watched.excess ?? 'crashed', detail });
  }
  return { done: done + 1, counts, findings, slowest, peakRssBytes };
}

/** What a worker has said so far. */
interface Heard {
  isReady: boolean;
  isDone: boolean;
  readonly findings: Finding[];
  slowest: WorkerResult['slowest'];
  peakRssBytes: number;
  stderr: string;
}

function listenTo(child: ChildProcess): Heard {
  const heard: Heard = {
    isReady: false,
    isDone: false,
    findings: [],
    slowest: null,
    peakRssBytes: 0,
    stderr: '',
  };
  child.stderr?.on('data', (chunk: Buffer) => {
    heard.stderr = (heard.stderr + chunk.toString()).slice(-STDERR_KEPT);
  });
  child.on('message', (message: FromWorker) => {
    switch (message.kind) {
      case 'ready':
        heard.isReady = true;
        break;
      case 'slowest':
        heard.slowest = { number: message.number, seconds: message.seconds };
        break;
      case 'finding':
        heard.findings.push({ ...message, kind: message.outcome });
        break;
      case 'uncaught':
        heard.findings.push({ ...message, kind: 'not-our-error' });
        break;
      case 'done':
        heard.isDone = true;
        heard.peakRssBytes = message.peakRssBytes;
    }
  });
  return heard;
}

interface Watched {
  peakRssBytes: number;
  /** Why `onExcess` was called. */
  excess: 'too-slow' | 'too-much-memory' | null;
  readonly stop: () => void;
}

/** Looks at a worker now and then, until it is told to stop. */
function watch(task: WorkerTask, pid: number, limits: WorkerLimits, onExcess: () => void): Watched {
  let [done, since, cpuBefore] = [-1, performance.now(), 0];
  const timer = setInterval(() => void look().catch(() => undefined), WATCH_EVERY_MS);
  const watched: Watched = {
    peakRssBytes: 0,
    excess: null,
    stop: () => {
      clearInterval(timer);
    },
  };
  const look = async (): Promise<void> => {
    const length = await stat(task.log).then(
      ({ size }) => size,
      () => 0,
    );
    const cpu = await processorSeconds(pid);
    if (length !== done) [done, since, cpuBefore] = [length, performance.now(), cpu];
    const waited = (performance.now() - since) / 1000;
    const seconds = Math.max(cpu - cpuBefore, waited / IDLE_FACTOR);
    const rss = await residentBytes(pid);
    watched.peakRssBytes = Math.max(watched.peakRssBytes, rss);
    if (rss > limits.rssBytes) watched.excess ??= 'too-much-memory';
    else if (seconds > limits.seconds) watched.excess ??= 'too-slow';
    if (watched.excess !== null) onExcess();
  };
  return watched;
}

/** proc(5): the second number of statm is the resident set, in pages. */
async function residentBytes(pid: number): Promise<number> {
  const statm = await readFile(`/proc/${pid}/statm`, 'latin1').catch(() => '');
  return Number(statm.split(' ')[1] ?? 0) * 4096;
}

async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return stat === '' ? 0 : parseCpuSeconds(stat);
}

async function readLog(path: string): Promise<Pick<WorkerResult, 'done' | 'counts'>> {
  const log = await readFile(path).catch(() => Buffer.alloc(0));
  const counts: Partial<Record<Outcome, number>> = {};
  for (const byte of log) {
    const outcome = OUTCOMES[byte];
    if (outcome !== undefined) counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return { done: log.length, counts };
}
