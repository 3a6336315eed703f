import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { DebshoalError } from '../../shared/errors.js';
import { exists, withTemporaryFolder, writeAtomically } from '../../shared/io/files.js';
import { hashFile } from '../../shared/io/hash.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { ArchivedDeb, ArchivedPair } from './pair-table.js';
import { openPrivateApt, type Mirrors, type PrivateApt } from './private-apt.js';

export interface FetchPairsOptions {
  /** Instead of the suites that the table names. */
  readonly suites: readonly string[] | undefined;
  readonly components: readonly string[];
  readonly mirrors: Mirrors;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/** Names of pairs by what became of them. */
export interface FetchPairsReport {
  readonly fetched: readonly string[];
  readonly present: readonly string[];
  /** With the first of the two that the archive no longer has. */
  readonly gone: readonly { readonly name: string; readonly missing: string }[];
}

/**
 * Fetches pairs into `folder`/NAME/{old,new}.deb by exact version. An archive drops superseded
 * versions after a while: a pair of which one half is gone is left out whole.
 */
export async function fetchPairs(
  pairs: readonly ArchivedPair[],
  folder: string,
  options: FetchPairsOptions,
): Promise<FetchPairsReport> {
  return withTemporaryFolder(async (temporary) => {
    options.report({ kind: 'phase', name: 'reading the indexes of the archive' });
    const apt = await openPrivateApt(temporary, {
      ...options,
      suites: options.suites ?? [...new Set(pairs.flatMap((pair) => pair.suites))],
      architectures: architecturesOf(pairs),
    });
    const fetched: string[] = [];
    const present: string[] = [];
    const gone: { name: string; missing: string }[] = [];
    for (const [index, pair] of pairs.entries()) {
      const outcome = await fetchPair(pair, join(folder, pair.name), apt, join(temporary, 'new'));
      if (outcome === 'fetched') fetched.push(pair.name);
      else if (outcome === 'present') present.push(pair.name);
      else gone.push({ name: pair.name, missing: outcome.missing });
      const text = typeof outcome === 'string' ? outcome : `gone: ${outcome.missing}`;
      options.report({ kind: 'note', text: `${index + 1}/${pairs.length} ${pair.name}: ${text}` });
    }
    return { fetched, present, gone };
  });
}

/** apt takes the first for its own; packages of `all` come with any. */
function architecturesOf(pairs: readonly ArchivedPair[]): string[] {
  const named = pairs.map((pair) => pair.old.architecture).filter((name) => name !== 'all');
  return named.length === 0 ? ['amd64'] : [...new Set(named)];
}

type Outcome = 'fetched' | 'present' | { readonly missing: string };

async function fetchPair(
  pair: ArchivedPair,
  folder: string,
  apt: PrivateApt,
  downloads: string,
): Promise<Outcome> {
  const halves = [
    { deb: pair.old, path: join(folder, 'old.deb') },
    { deb: pair.new, path: join(folder, 'new.deb') },
  ];
  const wanted: { deb: ArchivedDeb; path: string; sha256: string }[] = [];
  for (const half of halves) {
    const sha256 = await apt.sha256Of(half.deb);
    if (sha256 === null) return { missing: `${half.deb.package} ${half.deb.version}` };
    checkAgainstTable(half.deb, sha256);
    if ((await exists(half.path)) && (await hashFile(half.path)).sha256 === sha256) continue;
    wanted.push({ ...half, sha256 });
  }
  if (wanted.length === 0) return 'present';
  await mkdir(folder, { recursive: true });
  for (const { deb, path } of wanted) {
    // apt has checked the file against the hash of its index.
    const downloaded = await apt.download(deb, downloads);
    await writeAtomically(path, (target) => copyFile(downloaded, target));
    await rm(downloads, { recursive: true });
  }
  return 'fetched';
}

function checkAgainstTable(deb: ArchivedDeb, sha256: string): void {
  if (deb.sha256 === null || deb.sha256 === sha256) return;
  throw new DebshoalError(
    'hash-mismatch',
    `the archive has another ${deb.package} ${deb.version} than the table of pairs names`,
  );
}
