import { Piscina } from 'piscina';

import { DebshoalError, isDebshoalError, withCode, type ErrorCode } from '../errors.js';

/** Errors lose their class between threads, so that they travel as data. */
type Outcome<R> =
  | { readonly ok: true; readonly value: R }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; hint?: string };

/** Wraps the function that a worker file exports as its default. */
export function asWorkerTask<T, R>(
  work: (task: T) => Promise<R>,
): (task: T) => Promise<Outcome<R>> {
  return async (task) => {
    try {
      return { ok: true, value: await work(task) };
    } catch (thrown) {
      const error = withCode(thrown);
      if (!isDebshoalError(error)) throw error;
      const { code, message, hint } = error;
      return { ok: false, code, message, ...(hint !== undefined && { hint }) };
    }
  };
}

export interface WorkerPool<T, R> {
  /** Runs a task in a free worker; fails as the task did, or with `interrupted`. */
  run(task: T, signal?: AbortSignal): Promise<R>;
  close(): Promise<void>;
}

/** A task that runs out of memory must not end the run of all others. */
function refuseGiant(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    throw new DebshoalError('limit-exceeded', 'a worker ran out of memory', { cause: error });
  }
  throw error;
}

/** Worker threads over the compiled file at `url`, started as they are needed. */
export function openWorkerPool<T, R>(url: URL, threads: number): WorkerPool<T, R> {
  const pool = new Piscina<T, Outcome<R>>({
    filename: url.href,
    minThreads: 0,
    maxThreads: threads,
    // Waiting on atomics would block the native compressors' callbacks.
    atomics: 'disabled',
  });
  return {
    async run(task, signal) {
      const outcome = await pool.run(task, { signal: signal ?? null }).catch(refuseGiant);
      if (outcome.ok) return outcome.value;
      const { code, message, hint } = outcome;
      throw new DebshoalError(code, message, hint === undefined ? {} : { hint });
    },
    close: () => pool.destroy(),
  };
}
