import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { isDebshoalError, type ErrorCode } from '../../shared/errors.js';
import type { Coding } from '../../shared/delta/container.js';
import { deltaFileName } from '../../shared/index/layout.js';
import { readBounded, writeFileAtomically } from '../../shared/io/files.js';
import { hashFile } from '../../shared/io/hash.js';
import { openWorkerPool, type WorkerPool } from '../../shared/io/worker-pool.js';
import { LIMITS } from '../../shared/limits.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { Packing } from '../diff/find-packing.js';
import { storedDeb } from '../state/deb-store.js';
import type { MadeDelta, RejectedPair } from '../state/state.js';
import type { DiffTask, DiffedPair } from '../workers/diff-worker.js';
import type { VersionPair } from './pair-versions.js';

/** A delta that was proven and waits in the home folder to be published. */
export type PendingDelta = Pick<
  MadeDelta,
  'size' | 'sha256' | 'memoryMiB' | 'encoderMiB' | 'expanded' | 'work'
> & {
  readonly pair: VersionPair;
  readonly path: string;
  /** Its name when it is published. */
  readonly fileName: string;
};

export interface MadeDeltas {
  readonly pending: readonly PendingDelta[];
  readonly rejected: readonly RejectedPair[];
}

export interface MakeDeltasOptions {
  readonly home: string;
  /** Deltas over this percentage of the .deb are dropped. */
  readonly maxRatio: number;
  readonly coding: Coding;
  readonly workers: number;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/** Failures that lie in the packages: trying again would end the same way. */
const LASTING: readonly ErrorCode[] = [
  // Of a proof: the package has a shape that we get wrong.
  'delta-damaged',
  'source-changed',
  'deb-malformed',
  'limit-exceeded',
  'usage',
];

/** Failures of the whole run. */
const FATAL: readonly ErrorCode[] = ['interrupted', 'disk-full'];

/**
 * Diffs all pairs in worker processes. What is finished lies under `pending/`, so that a run which
 * was killed goes on where it was.
 */
export async function makeDeltas(
  pairs: readonly VersionPair[],
  options: MakeDeltasOptions,
): Promise<MadeDeltas> {
  const { home, workers, signal, report } = options;
  const temporaryParent = join(home, 'tmp');
  await rm(temporaryParent, { recursive: true, force: true });
  await mkdir(temporaryParent, { recursive: true });
  await mkdir(pendingFolder(home), { recursive: true });
  const pool = openWorkerPool<DiffTask, DiffedPair>(
    new URL('../workers/diff-worker.js', import.meta.url),
    workers,
  );
  const finished = await readFinished(home, pairs);
  const pending: PendingDelta[] = [];
  const rejected: RejectedPair[] = [];
  let done = 0;
  try {
    const make = async (pair: VersionPair, packing?: Packing): Promise<Packing | undefined> => {
      const known = { report: finished.get(pair), packing };
      const made = await makeDelta(pair, known, pool, options);
      if (made.rejected) rejected.push(made.rejected);
      if (made.pending) pending.push(made.pending);
      const detail = `${pair.new.package} ${pair.old.version} -> ${pair.new.version}`;
      report({ kind: 'count', name: 'deltas', done: ++done, total: pairs.length, detail });
      return made.packing;
    };
    await Promise.all(groupByNew(pairs).map((group) => makeGroup(group, make)));
  } finally {
    await pool.close();
    await rm(temporaryParent, { recursive: true, force: true });
  }
  signal.throwIfAborted();
  return { pending, rejected };
}

/** Pairs with the same new .deb. */
function groupByNew(pairs: readonly VersionPair[]): VersionPair[][] {
  const groups = new Map<string, VersionPair[]>();
  for (const pair of pairs) {
    const { sha256 } = pair.new;
    groups.set(sha256, [...(groups.get(sha256) ?? []), pair]);
  }
  return [...groups.values()];
}

/** One pair after the other until one has found how the new .deb is packed, then the rest at once. */
async function makeGroup(
  group: readonly VersionPair[],
  make: (pair: VersionPair, packing?: Packing) => Promise<Packing | undefined>,
): Promise<void> {
  const [first, ...rest] = group;
  if (first === undefined) return;
  const packing = await make(first);
  if (packing === undefined) await makeGroup(rest, make);
  else await Promise.all(rest.map((pair) => make(pair, packing)));
}

const MIB = 2 ** 20;

/** Neither of the first two for a failure that another run may not have. */
interface MadePair {
  readonly pending?: PendingDelta;
  readonly rejected?: RejectedPair;
  /** What was found out about the new .deb. */
  readonly packing?: Packing;
}

async function makeDelta(
  pair: VersionPair,
  known: { readonly report: DiffedPair | undefined; readonly packing: Packing | undefined },
  pool: WorkerPool<DiffTask, DiffedPair>,
  options: MakeDeltasOptions,
): Promise<MadePair> {
  const { home, maxRatio, report } = options;
  const identity = { oldSha256: pair.old.sha256, newSha256: pair.new.sha256 };
  const path = pendingPath(home, pair);
  try {
    const { package: name, version, architecture } = pair.new;
    const fileName = deltaFileName(name, pair.old.version, version, architecture);
    const made = known.report ?? (await diff(pair, known.packing, path, pool, options));
    if (made.size * 100 > pair.new.size * maxRatio) {
      await rm(path, { force: true });
      return { rejected: { ...identity, reason: 'too-large' }, packing: made.packing };
    }
    const { size, sha256, expanded, unreproducible, packing, work } = made;
    const memoryMiB = Math.ceil(made.memoryBytes / MIB);
    const encoderMiB = unreproducible === null ? Math.floor(made.encoderBytes / MIB) : null;
    if (unreproducible !== null) {
      const text = `only the expanded form of ${name} ${version}: ${unreproducible}`;
      report({ kind: 'warning', text });
    }
    const pending = { pair, path, fileName, size, sha256, memoryMiB, encoderMiB, expanded, work };
    return { pending, packing };
  } catch (error) {
    if (!isDebshoalError(error) || FATAL.includes(error.code)) throw error;
    const { package: name, version } = pair.new;
    report({ kind: 'warning', text: `no delta to ${name} ${version}: ${error.message}` });
    return LASTING.includes(error.code) ? { rejected: { ...identity, reason: error.code } } : {};
  }
}

async function diff(
  pair: VersionPair,
  packing: Packing | undefined,
  path: string,
  pool: WorkerPool<DiffTask, DiffedPair>,
  { home, coding, signal }: MakeDeltasOptions,
): Promise<DiffedPair> {
  const task = {
    old: { path: storedDeb(home, pair.old.sha256), sha256: pair.old.sha256 },
    new: { path: storedDeb(home, pair.new.sha256), sha256: pair.new.sha256 },
    target: path,
    temporaryParent: join(home, 'tmp'),
    coding,
    packing,
  };
  const made = await pool.run(task, signal, pair.new.size);
  // Written after the delta: where there is a report, there is a whole delta.
  await writeFileAtomically(`${path}.json`, JSON.stringify(made));
  return made;
}

/** One after the other: there may be more than files can be open. */
async function readFinished(
  home: string,
  pairs: readonly VersionPair[],
): Promise<Map<VersionPair, DiffedPair>> {
  const finished = new Map<VersionPair, DiffedPair>();
  const names = new Set(await readdir(pendingFolder(home)));
  for (const pair of pairs) {
    const path = pendingPath(home, pair);
    const report = names.has(basename(path)) ? await readReport(path) : null;
    if (report !== null) finished.set(pair, report);
  }
  return finished;
}

/** What a killed run has finished: a report that fits the delta beside it. */
async function readReport(path: string): Promise<DiffedPair | null> {
  try {
    const text = (await readBounded(`${path}.json`, LIMITS.configBytes)).toString('utf8');
    const report = JSON.parse(text) as DiffedPair;
    const { size, sha256 } = await hashFile(path);
    return report.size === size && report.sha256 === sha256 ? report : null;
  } catch {
    return null;
  }
}

function pendingFolder(home: string): string {
  return join(home, 'pending');
}

/** Where a proven delta waits, with what is known of it in a `.json` beside it. */
export function pendingPath(
  home: string,
  pair: { readonly old: { sha256: string }; readonly new: { sha256: string } },
): string {
  const name = `${pair.old.sha256.slice(0, 20)}-${pair.new.sha256.slice(0, 20)}.delta`;
  return join(pendingFolder(home), name);
}

/** Forgets pending deltas once they are published. */
export async function clearPending(home: string): Promise<void> {
  const folder = pendingFolder(home);
  for (const name of await readdir(folder)) await rm(join(folder, name), { force: true });
}
