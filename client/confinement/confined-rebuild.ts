import { chmod, chown, mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { DebshoalError, isDebshoalError, withCode } from '../../shared/errors.js';
import { temporaryBeside } from '../../shared/io/files.js';
import { runTool } from '../../shared/io/run-tool.js';
import type { RebuildResult } from '../../shared/delta/rebuild.js';
import { WORKER, WORKER_NODE_FLAGS, type Confinement } from './find-confinement.js';
import type { PrivilegedReader } from './privileged-reader.js';
import type { InstalledResult, RebuildTask } from './rebuild-installed.js';
import { prlimitArguments, type ResourceLimits } from './resource-limits.js';
import { printable, runWorker } from './run-worker.js';
import { takeOut } from './take-out.js';
import { watchLimits } from './watch-limits.js';
import { readAnswer } from './worker-answer.js';

export interface ConfinedRebuild {
  /** Moved away, whatever happens. */
  readonly deltaPath: string;
  /** For the finished .deb; folder and name are ours. */
  readonly target: string;
  readonly task: Omit<RebuildTask, 'deltaPath' | 'target' | 'temporaryParent' | 'given'>;
  readonly limits: ResourceLimits;
  /** For files that only root can read; null: there is none. */
  readonly reader: PrivilegedReader | null;
  /** What the command line begins with: nice(1) and the like. */
  readonly prefix: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Rebuilds a .deb in a process of its own that is taken for hostile from the moment it reads the
 * delta. Its file is at `target` then, of the expected length and of unknown content: whoever
 * calls has to verify it. Fails with what is wrong with the delta.
 */
export async function rebuildConfined(
  confinement: Confinement,
  rebuild: ConfinedRebuild,
  worker = WORKER,
): Promise<RebuildResult> {
  const { deltaPath, target, task, limits, signal } = rebuild;
  signal.throwIfAborted();
  const folder = temporaryBeside(target);
  await mkdir(folder, { mode: 0o700 });
  try {
    const files = { deltaPath: join(folder, 'delta'), target: join(folder, 'deb') };
    await rename(deltaPath, files.deltaPath);
    await chmod(files.deltaPath, 0o644);
    const { user } = confinement;
    // From here on nothing of its names can be trusted.
    if (user !== null) await chown(folder, user.uid, user.gid);
    // To get there: in a sandbox it has a way of its own.
    if (confinement.level === 'user') await chmod(dirname(folder), 0o711);
    const program = [process.execPath, ...WORKER_NODE_FLAGS, worker];
    const enclosed = confinement.enclose(program, { root: task.root, folder });
    const command = [
      ...rebuild.prefix,
      'prlimit',
      ...prlimitArguments(limits),
      ...enclosed.command,
    ];
    const watch = await watchLimits(folder, limits);
    const ends = AbortSignal.any([signal, watch.signal]);
    const ask = async (given: Record<string, string>): Promise<InstalledResult> => {
      const all: RebuildTask = { ...task, ...files, temporaryParent: folder, given };
      return readAnswer(await runWorker({ ...enclosed, command }, all, folder, ends), folder);
    };
    try {
      let result = await ask({});
      if ('unreadable' in result)
        result = await ask(await copyUnreadable(result.unreadable, rebuild, folder, ends));
      if ('unreadable' in result) throw denied(result.unreadable);
      await takeOut(files.target, target, task.expected.size);
      return result;
    } finally {
      await watch.stop();
    }
  } catch (error) {
    throw withCode(error);
  } finally {
    await removeTree(folder);
  }
}

/** Puts what only root can read into the worker's folder; `source-changed` when it is not given. */
async function copyUnreadable(
  paths: readonly string[],
  { reader, task }: ConfinedRebuild,
  folder: string,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const given: Record<string, string> = {};
  for (const [i, path] of paths.entries()) {
    const target = join(folder, `given-${i}`);
    if (!(await reader?.copy(task.old, path, target, signal))) throw denied([path]);
    given[path] = target;
  }
  return given;
}

function denied(paths: readonly string[]): DebshoalError {
  const text = `only root can read ${printable(paths.join(' '))}, or it was changed`;
  return new DebshoalError('source-changed', text, { hint: 'use the full .deb' });
}

/**
 * rm(1) does not go through a link that is put in a folder's place meanwhile; Node's might. What a
 * process that got away puts there again is left for removeStaleTemporaries.
 */
async function removeTree(folder: string): Promise<void> {
  try {
    await runTool('rm', ['-rf', '--', folder], { maxOutput: 0 });
  } catch (error) {
    if (!isDebshoalError(error, 'tool-failed')) throw error;
  }
}
