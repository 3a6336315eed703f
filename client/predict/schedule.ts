/** One package on its way; seconds with the whole link, or a core, for itself. */
export interface Job {
  readonly download: number;
  /** 0 for a full .deb. */
  readonly rebuild: number;
  /** Left to apt, which downloads when we are done. */
  readonly isLeft: boolean;
}

/**
 * Seconds until apt could unpack the last package: deltas come one after the other over one link, in
 * order, then full .debs; beside them rebuilds on `cores`, each as soon as its delta is there and a
 * core is free; then what is left to apt. That several downloads share the link changes when one of
 * them ends, hardly when the last one does.
 */
export function scheduleSeconds(jobs: readonly Job[], cores: number): number {
  return finishSeconds(jobs, cores).reduce((a, b) => Math.max(a, b), 0);
}

/** The same for each of the jobs, in their order. */
export function finishSeconds(jobs: readonly Job[], cores: number): number[] {
  const freeAt = new Array<number>(Math.max(1, cores)).fill(0);
  const finished = jobs.map(() => 0);
  let downloaded = 0;
  let end = 0;
  for (const [i, { download, rebuild, isLeft }] of jobs.entries()) {
    if (isLeft || rebuild === 0) continue;
    downloaded += download;
    const core = earliest(freeAt);
    const at = Math.max(downloaded, freeAt[core] ?? 0) + rebuild;
    [freeAt[core], finished[i]] = [at, at];
    end = Math.max(end, at);
  }
  for (const [i, { download, rebuild, isLeft }] of jobs.entries()) {
    if (!isLeft && rebuild === 0) finished[i] = downloaded += download;
  }
  let last = Math.max(end, downloaded);
  for (const [i, { download, isLeft }] of jobs.entries()) {
    if (isLeft) finished[i] = last += download;
  }
  return finished;
}

/** The order in which to go about jobs: a long rebuild that begins last is waited for by all. */
export function longestFirst(a: Pick<Job, 'rebuild'>, b: Pick<Job, 'rebuild'>): number {
  return b.rebuild - a.rebuild;
}

function earliest(freeAt: readonly number[]): number {
  let found = 0;
  for (const [core, at] of freeAt.entries()) if (at < (freeAt[found] ?? 0)) found = core;
  return found;
}
