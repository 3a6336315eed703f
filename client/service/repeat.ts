/** Hours between two runs that nobody asked for, and as much again by chance. */
const HOURS = 4;

export interface Repeated {
  /** Begins a run, or another one after the one that is under way. */
  now(): void;
  /** No more runs; resolves when the last one has ended. */
  end(): Promise<void>;
}

/**
 * Runs `work` whenever asked and every few hours, one at a time. All machines that are switched on at
 * eight must not ask their mirror at noon.
 */
export function repeat(
  signal: AbortSignal,
  work: () => Promise<void>,
  onBug: (error: unknown) => void,
): Repeated {
  let [running, again] = [false, false];
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<void> = Promise.resolve();
  const run = async (): Promise<void> => {
    again = false;
    await work().catch(onBug);
    running = false;
    if (again as boolean) now();
    else if (!signal.aborted) {
      timer = setTimeout(now, HOURS * 3_600_000 * (1 + Math.random())).unref();
    }
  };
  const now = (): void => {
    if (running) again = true;
    if (running || signal.aborted) return;
    clearTimeout(timer);
    running = true;
    last = run();
  };
  return {
    now,
    end: async () => {
      clearTimeout(timer);
      again = false;
      await last;
    },
  };
}
