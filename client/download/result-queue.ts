import { DebshoalError } from '../../shared/errors.js';

/** Results in the order of their arrival, for one reader. */
export interface ResultQueue<T> {
  readonly push: (result: T) => void;
  /** Ends after the expected number; throws `interrupted` when the signal aborts. */
  readonly all: () => AsyncGenerator<T>;
}

/** A queue for `expected` results. */
export function resultQueue<T>(expected: number, signal?: AbortSignal): ResultQueue<T> {
  const ready: T[] = [];
  let wake = (): void => undefined;
  return {
    push: (result) => {
      ready.push(result);
      wake();
    },
    all: async function* () {
      const onAbort = (): void => {
        wake();
      };
      signal?.addEventListener('abort', onAbort);
      try {
        for (let yielded = 0; yielded < expected; yielded++) {
          while (ready.length === 0) {
            if (signal?.aborted === true) {
              throw new DebshoalError('interrupted', 'interrupted', { cause: signal.reason });
            }
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
          yield ready.shift() as T;
        }
      } finally {
        signal?.removeEventListener('abort', onAbort);
      }
    },
  };
}
