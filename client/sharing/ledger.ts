import { join } from 'node:path';

import { z } from 'zod';

import { writeFileAtomically } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import type { Upload } from '../../shared/swarm/swarm.js';
import { readKept } from '../store/read-kept.js';

const bytes = z.int().min(0);

const fileSchema = z.strictObject({
  package: z.string(),
  architecture: z.string(),
  version: z.string(),
  size: bytes,
  /** It was seen installed: when it is not any more, it is an old version. */
  installed: z.boolean(),
});

const torrentSchema = z.strictObject({
  suite: z.string(),
  trackers: z.array(z.string()),
  /** Milliseconds since 1970. */
  offeredAt: z.number(),
  /** Uploaded beyond the own networks, ever. */
  beyond: bytes,
  /** By index in the torrent. */
  files: z.record(z.string().regex(/^\d+$/), fileSchema),
});

const infoHash = z.string().regex(/^[0-9a-f]{40}$/);

const schema = z.strictObject({
  format: z.literal(1),
  month: z.string().regex(/^\d{4}-\d{2}$/),
  local: bytes,
  beyond: bytes,
  suites: z.record(z.string(), bytes),
  torrents: z.record(infoHash, torrentSchema),
});

type Kept = z.infer<typeof schema>;
export type SharedFile = z.infer<typeof fileSchema>;
export type SharedTorrent = z.infer<typeof torrentSchema>;

/** What was uploaded this month, and what is shared; survives restarts. */
export interface Ledger {
  readonly torrents: Map<string, SharedTorrent>;
  readonly count: (upload: Upload) => void;
  /** From now on what is uploaded of a torrent that is not shared yet counts for its suite. */
  readonly expect: (infoHash: string, suite: string) => void;
  /** Bytes beyond the own networks of a torrent that was only expected so far. */
  readonly sentBefore: (infoHash: string) => number;
  /** Of the calendar month (UTC) that it is now. */
  readonly sums: () => Pick<Kept, 'month' | 'local' | 'beyond' | 'suites'>;
  readonly save: () => Promise<void>;
}

/** More torrents than one upgrade joins; a daemon runs for months. */
const MAX_EXPECTED = 10_000;
/** What a `kill -9` may lose. */
const UNSAVED_BYTES = 4 * 2 ** 20;
const UNSAVED_MILLISECONDS = 5000;

/** Opens `sharing.json`. Lost or damaged, it begins anew: less is shared, nothing breaks. */
export async function openLedger(stateFolder: string, now: () => Date): Promise<Ledger> {
  const path = join(stateFolder, 'sharing.json');
  const known = await readKept(path, schema, LIMITS.sharingStateBytes);
  const kept: Kept = known ?? {
    format: 1,
    month: monthOf(now()),
    local: 0,
    beyond: 0,
    suites: {},
    torrents: {},
  };
  const torrents = new Map(Object.entries(kept.torrents));
  const expected = new Map<string, { readonly suite: string; beyond: number }>();
  let unsaved = 0;
  let timer: NodeJS.Timeout | undefined;
  let saving = Promise.resolve();

  const rollOver = (): void => {
    const month = monthOf(now());
    // A clock that was put back a little must not give the month's bytes once more.
    if (month === kept.month || (month < kept.month && kept.month <= nextMonth(month))) return;
    Object.assign(kept, { month, local: 0, beyond: 0, suites: {} });
  };
  const save = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    unsaved = 0;
    saving = saving
      .catch(() => undefined)
      .then(() => {
        const state: Kept = { ...kept, torrents: Object.fromEntries(torrents) };
        return writeFileAtomically(path, JSON.stringify(state), 0o600);
      });
    return saving;
  };
  const saveSoon = (): void => {
    // A full disk is noticed when the whole is saved at the end.
    if (unsaved >= UNSAVED_BYTES) save().catch(() => undefined);
    else timer ??= setTimeout(() => void save().catch(() => undefined), UNSAVED_MILLISECONDS);
  };

  return {
    torrents,
    count: ({ infoHash, local, beyond }) => {
      rollOver();
      kept.local += local;
      kept.beyond += beyond;
      const torrent = torrents.get(infoHash) ?? expected.get(infoHash);
      if (torrent !== undefined) {
        torrent.beyond += beyond;
        kept.suites[torrent.suite] = (kept.suites[torrent.suite] ?? 0) + beyond;
      }
      unsaved += local + beyond;
      saveSoon();
    },
    expect: (infoHash, suite) => {
      const known = expected.get(infoHash);
      expected.delete(infoHash);
      expected.set(infoHash, known ?? { suite, beyond: 0 });
      const [oldest] = expected.keys();
      if (expected.size > MAX_EXPECTED && oldest !== undefined) expected.delete(oldest);
    },
    sentBefore: (infoHash) => expected.get(infoHash)?.beyond ?? 0,
    sums: () => {
      rollOver();
      const { month, local, beyond, suites } = kept;
      return { month, local, beyond, suites };
    },
    save,
  };
}

/** `YYYY-MM`, UTC. */
function monthOf(date: Date): string {
  return date.toISOString().slice(0, 7);
}

function nextMonth(month: string): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return monthOf(new Date(Date.UTC(year, number)));
}
