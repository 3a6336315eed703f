/** Lets only so many works go on at a time. */
export interface Turns {
  /**
   * Runs `work` when it is its turn: of those that wait, the one of the largest `weight` is next (a
   * long one that begins last would be waited for alone), then the one that has waited longest.
   */
  take<T>(weight: number, work: () => Promise<T>): Promise<T>;
}

export function openTurns(size: number): Turns {
  const waiting: { readonly weight: number; readonly start: () => void }[] = [];
  let free = size;
  return {
    async take(weight, work) {
      if (free > 0) free--;
      else await new Promise<void>((start) => waiting.push({ weight, start }));
      try {
        return await work();
      } finally {
        free++;
        const next = takeHeaviest(waiting);
        if (next) {
          free--;
          next.start();
        }
      }
    },
  };
}

function takeHeaviest<T extends { readonly weight: number }>(waiting: T[]): T | undefined {
  const most = Math.max(...waiting.map(({ weight }) => weight));
  const index = waiting.findIndex(({ weight }) => weight === most);
  return index < 0 ? undefined : waiting.splice(index, 1)[0];
}
