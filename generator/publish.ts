import { mkdir, realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { DebshoalError } from '../shared/errors.js';
import { readPublicKeys } from '../shared/index/signature.js';
import { readBounded, removeStaleTemporaries } from '../shared/io/files.js';
import { withFileLock } from '../shared/io/file-lock.js';
import { LIMITS } from '../shared/limits.js';
import type { ReportProgress } from '../shared/progress.js';
import type { GeneratorConfig } from './home/config.js';
import { homePaths } from './home/home-paths.js';
import { readSigningKeys } from './home/read-signing-keys.js';
import { loadState, saveState, type GeneratorState } from './state/state.js';
import { buildIndexes } from './steps/build-indexes.js';
import { keepVersions, listPackages } from './steps/keep-versions.js';
import { clearPending, makeDeltas } from './steps/make-deltas.js';
import { pairVersions, unmadePairs } from './steps/pair-versions.js';
import { forgetMissing, forgetUnused, removeForgotten } from './steps/prune.js';
import { publishBatch } from './steps/publish-batch.js';
import { publishDebs } from './steps/publish-debs.js';
import { scanArchive, selectPart, type Selection } from './steps/scan-archive.js';
import { switchOver } from './steps/switch-over.js';
import { writeWhitelist } from './steps/write-whitelist.js';

export interface PublishOptions {
  /** The archive: the folder with dists/ and pool/. Only read. */
  readonly archive: string;
  /** What is served: created when missing. */
  readonly out: string;
  /** The generator's home, made by `init`. */
  readonly home: string;
  readonly config: GeneratorConfig;
  /** New deltas for this part of the archive only; all the rest stays as it is. */
  readonly only: Selection;
  readonly now: Date;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/** What a run did. Bytes are those of the deltas and of the .debs that they stand for. */
export interface PublishReport {
  readonly packages: number;
  readonly newVersions: number;
  readonly pairs: number;
  readonly deltas: number;
  readonly deltaBytes: number;
  readonly fullBytes: number;
  readonly rejected: number;
  readonly publishedSuites: readonly string[];
  readonly seconds: number;
}

/**
 * Publishes deltas for an archive. May be killed at any point: the next run ends what this one
 * began, and with nothing new it changes nothing.
 */
export async function publish(options: PublishOptions): Promise<PublishReport> {
  const { home, out } = options;
  await mkdir(out, { recursive: true });
  await refuseSameFolder(options);
  return withFileLock(join(home, 'lock'), async () => {
    for (const folder of [home, out]) await removeStaleTemporaries(folder, { recursive: true });
    return publishLocked(options);
  });
}

async function publishLocked(options: PublishOptions): Promise<PublishReport> {
  const { home, out, config, now, signal, report } = options;
  const started = performance.now();
  const privateKeys = await readSigningKeys(home);
  const publicKeys = await readPublicKeys(
    await readBounded(homePaths(home).publicKey, LIMITS.keyBytes),
  );
  const before = await forgetMissing(await loadState(home), out);

  report({ kind: 'phase', name: `reading ${options.archive}` });
  const suites = await scanArchive(options.archive, config);
  const packages = listPackages(suites);
  refuseEmptied(packages.size, before);
  const selected = listPackages(selectPart(suites, options.only));
  const archive = { root: options.archive, packages };
  const versions = await keepVersions(archive, home, before.versions, report);
  await saveState(home, { ...before, versions });
  signal.throwIfAborted();

  const pairs = pairVersions(packages, versions, config.keepVersions);
  const unmade = unmadePairs(pairs, before).filter((pair) => selected.has(pair.new.sha256));
  const workers = config.workers ?? availableParallelism();
  const made = await makeDeltas(unmade, {
    home,
    maxRatio: config.maxRatio,
    coding: config.coding,
    workers,
    signal,
    report,
  });
  const { announce, baseUrl, mirror } = config;
  const known = before.batches;
  const batch = await publishBatch(made.pending, { out, announce, baseUrl, known, now });
  const debTorrents = await publishDebs(
    pairs.map((pair) => pair.new).filter((version) => selected.has(version.sha256)),
    before.debTorrents,
    { home, out, announce, mirror: mirror ?? baseUrl, baseUrl },
  );
  const grown: GeneratorState = {
    format: 1,
    versions,
    deltas: [...before.deltas, ...batch.deltas],
    rejected: [...before.rejected, ...made.rejected],
    batches: [...before.batches, ...batch.batches],
    debTorrents: [...before.debTorrents, ...debTorrents],
  };
  await saveState(home, grown);
  await clearPending(home);
  signal.throwIfAborted();

  const state = forgetUnused(grown, new Set(packages.keys()), pairs);
  // Before clients learn of the torrents.
  await writeWhitelist(state, out);
  const publishedSuites: string[] = [];
  for (const suite of suites) {
    const indexes = buildIndexes(suite, state, announce);
    const release = { origin: config.origin, label: config.label, now };
    const validForMs = config.validFor * 24 * 60 * 60 * 1000;
    const keys = { privateKeys, publicKeys };
    const changed = await switchOver(suite, indexes, { out, validForMs, ...keys, ...release });
    if (changed) publishedSuites.push(suite.suite);
  }
  // Remembered only when it is done, or a run that is killed here would leave the rest for ever.
  await removeForgotten(grown, state, { home, out });
  await saveState(home, state);

  return {
    packages: packages.size,
    newVersions: versions.length - before.versions.length,
    pairs: unmade.length,
    deltas: made.pending.length,
    deltaBytes: made.pending.reduce((sum, delta) => sum + delta.size, 0),
    fullBytes: made.pending.reduce((sum, delta) => sum + delta.pair.new.size, 0),
    rejected: made.rejected.length,
    publishedSuites,
    seconds: (performance.now() - started) / 1000,
  };
}

/** Our dists/ would replace the archive's. */
async function refuseSameFolder({ archive, out }: PublishOptions): Promise<void> {
  if ((await realpath(out)) === (await realpath(archive).catch(() => null))) {
    throw new DebshoalError('usage', 'the output cannot be the archive itself', {
      hint: 'give --out a folder of its own',
    });
  }
}

/** An unmounted pool or a home of another archive: publishing it would forget every delta. */
function refuseEmptied(packages: number, before: GeneratorState): void {
  if (packages > 0 || before.versions.length === 0) return;
  throw new DebshoalError('archive-malformed', 'the archive has no packages any more', {
    hint: 'nothing was changed; if that is so on purpose, begin anew with another --home and --out',
  });
}
