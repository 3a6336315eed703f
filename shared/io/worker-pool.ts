import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { DebshoalError } from '../errors.js';
import { attempt, valueOf, type Outcome } from './outcome.js';
import { openTurns } from './turns.js';

/** Makes this process, which `openWorkerPool` has started, answer tasks by `work`. */
export function answerTasks(work: (task: never) => Promise<unknown>): void {
  process.on('message', (task) => {
    void attempt(() => work(task as never)).then((outcome) => process.send?.(outcome));
  });
  // Its parent was killed: nobody wants the result, and a next run may be at the same files.
  process.on('disconnect', () => {
    killGroup(process);
  });
}

export interface WorkerPool<T, R> {
  /**
   * Runs a task in a free worker; fails as the task did, with `interrupted`, or with
   * `limit-exceeded` when the worker died of it. Then nothing of the task runs any more. `weight` is
   * that of Turns.
   */
  run(task: T, signal?: AbortSignal, weight?: number): Promise<R>;
  /** Ends all workers, also those at work. */
  close(): Promise<void>;
}

export interface WorkerPoolOptions {
  /** `low`: only when nobody else wants processor or disk; nice(1) and ionice(1). */
  readonly priority?: Priority;
  /** What the command line of a worker begins with, such as `['taskset', '-c', '1']`. */
  readonly prefix?: readonly string[];
  /** Options of Node. */
  readonly nodeFlags?: readonly string[];
  /** Called for each worker that is started, with its process id. */
  readonly onStart?: (pid: number) => void;
}

export const PRIORITIES = ['low', 'normal'] as const;
export type Priority = (typeof PRIORITIES)[number];

/**
 * Up to `size` worker processes over the compiled file at `url`, started as they are needed.
 * Processes and not threads: native compressors crash the whole program when a thread ends while
 * they are at work, and a task that runs out of memory takes only its worker along.
 */
export function openWorkerPool<T, R>(
  url: URL,
  size: number,
  options: WorkerPoolOptions = {},
): WorkerPool<T, R> {
  const all = new Set<ChildProcess>();
  const idle: ChildProcess[] = [];
  const turns = openTurns(size);
  let closed = false;

  const start = (): ChildProcess => {
    const child = startWorker(url, options);
    const forget = (): void => {
      all.delete(child);
      if (idle.includes(child)) idle.splice(idle.indexOf(child), 1);
    };
    all.add(child);
    child.once('exit', forget).once('error', forget);
    return child;
  };
  const runInWorker = async (task: T, signal?: AbortSignal): Promise<Outcome<R>> => {
    const child = idle.pop() ?? start();
    const outcome = await ask<R>(child, task, signal);
    if (child.connected) idle.push(child);
    return outcome;
  };

  return {
    run(task, signal, weight = 0) {
      return turns.take(weight, async () => {
        const isOver = (): boolean => closed || signal?.aborted === true;
        try {
          if (isOver()) throw interrupted();
          return valueOf(await runInWorker(task, signal));
        } catch (error) {
          throw isOver() ? interrupted() : error;
        }
      });
    },
    async close() {
      closed = true;
      await Promise.all([...all].map(end));
    },
  };
}

/** What a worker and its tools are started by; it becomes the worker, so that its number stays. */
export function priorityPrefix(priority: Priority): readonly string[] {
  return priority === 'low' ? ['nice', '-n', '10', 'ionice', '-c', '3'] : [];
}

function startWorker(
  url: URL,
  { priority = 'normal', prefix = [], nodeFlags = [], onStart }: WorkerPoolOptions,
): ChildProcess {
  const node = [process.execPath, ...nodeFlags];
  const [execPath, ...execArgv] = [...priorityPrefix(priority), ...prefix, ...node];
  const child = fork(compiledFile(url), {
    execPath,
    execArgv: [...execArgv, ...process.execArgv],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // A group of its own: Ctrl-C reaches only us, and we end it with the tools that it runs.
    detached: true,
  });
  if (child.pid !== undefined) onStart?.(child.pid);
  return child;
}

/** One task, one answer. When this fails the worker has ended. */
async function ask<R>(
  child: ChildProcess,
  task: unknown,
  signal: AbortSignal | undefined,
): Promise<Outcome<R>> {
  const cleanUp: (() => void)[] = [];
  try {
    return await new Promise<Outcome<R>>((resolve, reject) => {
      const onMessage = (message: unknown): void => {
        resolve(message as Outcome<R>);
      };
      const onExit = (status: number | null, killedBy: string | null): void => {
        const how = killedBy ?? `status ${String(status)}`;
        reject(new DebshoalError('limit-exceeded', `a worker process ended with ${how}`));
      };
      const onAbort = (): void => {
        killGroup(child);
      };
      child.on('message', onMessage).on('exit', onExit).on('error', reject);
      signal?.addEventListener('abort', onAbort);
      cleanUp.push(() => {
        child.off('message', onMessage).off('exit', onExit).off('error', reject);
        signal?.removeEventListener('abort', onAbort);
      });
      // When it cannot be sent the worker has gone, and its exit is reported.
      child.send(task as object, () => undefined);
    });
  } finally {
    for (const step of cleanUp) step();
  }
}

function interrupted(): DebshoalError {
  return new DebshoalError('interrupted', 'interrupted');
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  killGroup(child);
  await ended;
}

/** A worker leads a group, with the tools that it has started. */
export function killGroup({ pid }: { readonly pid?: number | undefined }): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Of a worker; sources run by a test runner have no compiled file beside them. */
export function compiledFile(url: URL): string {
  if (!import.meta.url.endsWith('.ts')) return fileURLToPath(url);
  const project = new URL('../../', import.meta.url).href;
  return fileURLToPath(url.href.replace(project, `${project}dist/`));
}
