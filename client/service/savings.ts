import { join } from 'node:path';

import { z } from 'zod';

import { writeFileAtomically } from '../../shared/io/files.js';
import type { FetchReport } from '../steps/report-fetch.js';
import { readKept } from '../store/read-kept.js';

const bytes = z.int().min(0);
const counts = z.strictObject({
  /** Packages that apt got from here, and their bytes. */
  packages: bytes,
  servedBytes: bytes,
  /** What was downloaded for them, and for those that nobody has asked for yet. */
  peerBytes: bytes,
  /** Of `peerBytes`, from peers on the own networks. */
  localBytes: bytes,
  httpBytes: bytes,
});
const schema = z.strictObject({
  format: z.literal(1),
  since: z.iso.datetime(),
  total: counts,
  /** `YYYY-MM`, UTC. */
  month: z.string(),
  inMonth: counts,
});

type Kept = z.infer<typeof schema>;
type Counts = z.infer<typeof counts>;

/** What the service has brought, in all and in the current month (UTC). */
export interface Savings {
  readonly now: Readonly<Kept>;
  addServed(size: number): void;
  addFetched(report: Pick<FetchReport, 'peerBytes' | 'localBytes' | 'httpBytes'>): void;
  save(): Promise<void>;
}

/** Opens what is kept in `stateFolder`; lost or damaged, it begins anew. */
export async function openSavings(stateFolder: string): Promise<Savings> {
  const path = join(stateFolder, 'savings.json');
  const kept = (await readKept(path, schema)) ?? beginning();
  let changed = false;
  const add = (counted: Partial<Counts>): void => {
    const month = thisMonth();
    if (kept.month !== month) [kept.month, kept.inMonth] = [month, nothing()];
    for (const place of [kept.total, kept.inMonth]) {
      for (const name of Object.keys(place) as (keyof Counts)[]) place[name] += counted[name] ?? 0;
    }
    changed = true;
  };
  return {
    get now() {
      add({});
      return kept;
    },
    addServed(size) {
      add({ packages: 1, servedBytes: size });
    },
    addFetched({ peerBytes, localBytes, httpBytes }) {
      add({ peerBytes, localBytes, httpBytes });
    },
    async save() {
      if (!changed) return;
      changed = false;
      try {
        await writeFileAtomically(path, JSON.stringify(kept));
      } catch (error) {
        changed = true;
        throw error;
      }
    },
  };
}

function beginning(): Kept {
  const since = new Date().toISOString();
  return { format: 1, since, total: nothing(), month: thisMonth(), inMonth: nothing() };
}

function nothing(): Counts {
  return { packages: 0, servedBytes: 0, peerBytes: 0, localBytes: 0, httpBytes: 0 };
}

function thisMonth(): string {
  return new Date().toISOString().slice(0, 7);
}
