import { rm } from 'node:fs/promises';

import { writeFileAtomically } from '../../shared/io/files.js';

/**
 * The file that says what asking us may be worth it for: SHA-256s, one a line; empty, for whatever
 * apt wants. Without it apt's method is not even started: where there are no deltas from what is
 * installed, apt downloads as if we were not there.
 */
export interface ReadyFile {
  /** Asking may be worth it from now on: something has changed. */
  doubt(): Promise<void>;
  /** Follows what `look` finds worth it, unless a doubt arises meanwhile. */
  settle(look: () => Promise<ReadonlySet<string>>): Promise<void>;
  /** What is being looked at does not bring it back. */
  remove(): Promise<void>;
}

/** Null: nobody looks at it. */
export function openReadyFile(path: string | null): ReadyFile {
  let doubts = 0;
  const write = async (text: string): Promise<void> => {
    // Everybody's apt reads it, and never a part of it.
    if (path !== null) await writeFileAtomically(path, text, 0o644);
  };
  const remove = async (): Promise<void> => {
    if (path !== null) await rm(path, { force: true });
  };
  return {
    async doubt() {
      doubts++;
      await write('');
    },
    async settle(look) {
      const before = doubts;
      const worthIt = await look();
      if (before !== doubts) return;
      if (worthIt.size === 0) await remove();
      else await write([...worthIt, ''].join('\n'));
    },
    async remove() {
      doubts++;
      await remove();
    },
  };
}
