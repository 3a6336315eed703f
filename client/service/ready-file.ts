import { rm, writeFile } from 'node:fs/promises';

/**
 * The file without which apt's method is not even started: it is there while asking us may be worth
 * it. Where there are no deltas at all, apt downloads as if we were not installed.
 */
export interface ReadyFile {
  /** Asking may be worth it from now on: something has changed. */
  doubt(): Promise<void>;
  /** Follows what `look` finds out, unless a doubt arises meanwhile. */
  settle(look: () => Promise<boolean>): Promise<void>;
  /** What is being looked at does not bring it back. */
  remove(): Promise<void>;
}

/** Null: nobody looks at it. */
export function openReadyFile(path: string | null): ReadyFile {
  let doubts = 0;
  const set = async (isThere: boolean): Promise<void> => {
    if (path === null) return;
    await (isThere ? writeFile(path, '') : rm(path, { force: true }));
  };
  return {
    async doubt() {
      doubts++;
      await set(true);
    },
    async settle(look) {
      const before = doubts;
      const isWorthIt = await look();
      if (before === doubts) await set(isWorthIt);
    },
    async remove() {
      doubts++;
      await set(false);
    },
  };
}
