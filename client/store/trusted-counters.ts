import { join } from 'node:path';

import { z } from 'zod';

import { writeFileAtomically } from '../../shared/io/files.js';
import { readKept } from './read-kept.js';

const schema = z.record(z.string(), z.int().min(0));

/**
 * The highest counter that was trusted for each source and suite: what makes a rollback visible.
 * Lost or damaged counters only mean that the next Release is trusted as the first one was.
 */
export interface TrustedCounters {
  get(uri: string, suite: string): number | null;
  set(uri: string, suite: string, counter: number): void;
  save(): Promise<void>;
}

export async function openTrustedCounters(
  stateFolder: string,
  mode: 'read-only' | 'read-write',
): Promise<TrustedCounters> {
  const path = join(stateFolder, 'trusted-counters.json');
  const counters = new Map(Object.entries((await readKept(path, schema)) ?? {}));
  let changed = false;
  return {
    get: (uri, suite) => counters.get(`${uri} ${suite}`) ?? null,
    set: (uri, suite, counter) => {
      if (counters.get(`${uri} ${suite}`) === counter) return;
      counters.set(`${uri} ${suite}`, counter);
      changed = true;
    },
    save: async () => {
      if (changed && mode === 'read-write') {
        await writeFileAtomically(path, JSON.stringify(Object.fromEntries(counters)));
      }
      changed = false;
    },
  };
}
