/** Hours between two runs that nobody asked for, and as much again by chance. */
const HOURS = 4;
/** Everybody on the machine may ask: so many runs begin in a minute at most. */
const IN_A_MINUTE = 3;
const MINUTE = 60_000;

export interface Repeated {
  /** Begins a run, or another one after the one that is under way; a little later if need be. */
  now(): void;
  /** No more runs; resolves when the last one has ended. */
  end(): Promise<void>;
}

/**
 * Runs `work` whenever asked and every few `hours`, if any, one at a time. All machines that are switched on at
 * eight must not ask their mirror at noon.
 */
export function repeat(
  signal: AbortSignal,
  work: () => Promise<void>,
  onBug: (error: unknown) => void,
  hours: number | null = HOURS,
): Repeated {
  let [running, again] = [false, false];
  let begun: number[] = [];
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<void> = Promise.resolve();

  const after = (milliseconds: number): void => {
    clearTimeout(timer);
    timer = setTimeout(now, milliseconds).unref();
  };
  const run = async (): Promise<void> => {
    again = false;
    await work().catch(onBug);
    running = false;
    if (again as boolean) now();
    else if (hours !== null && !signal.aborted) after(hours * 60 * MINUTE * (1 + Math.random()));
  };
  const now = (): void => {
    if (running) again = true;
    if (running || signal.aborted) return;
    const time = performance.now();
    begun = begun.filter((one) => time - one < MINUTE);
    const [oldest] = begun;
    if (oldest !== undefined && begun.length >= IN_A_MINUTE) {
      after(oldest + MINUTE - time);
      return;
    }
    clearTimeout(timer);
    begun.push(time);
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
