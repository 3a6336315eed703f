import { rename, rm } from 'node:fs/promises';

import { DebshoalError } from '../../shared/errors.js';
import type { Coding } from '../../shared/delta/container.js';
import { hashFile } from '../../shared/io/hash.js';
import { answerTasks } from '../../shared/io/worker-pool.js';
import { diffDebs, type DiffReport } from '../diff/diff-debs.js';
import type { Packing } from '../diff/find-packing.js';

export interface StoredFile {
  readonly path: string;
  readonly sha256: string;
}

export interface DiffTask {
  readonly old: StoredFile;
  readonly new: StoredFile;
  readonly target: string;
  readonly temporaryParent: string;
  readonly coding: Coding;
  /** Of the new .deb, if it is known. */
  readonly packing: Packing | undefined;
}

export type DiffedPair = Pick<
  DiffReport,
  'memoryBytes' | 'encoderBytes' | 'unreproducible' | 'packing' | 'expanded' | 'work'
> & {
  /** Of the delta. */
  readonly size: number;
  readonly sha256: string;
};

async function diff(task: DiffTask): Promise<DiffedPair> {
  await verify(task.old);
  await verify(task.new);
  const unfinished = `${task.target}.unfinished`;
  const report = await diffDebs(task.old.path, task.new.path, unfinished, task);
  await rename(unfinished, task.target);
  const { memoryBytes, encoderBytes, unreproducible, packing, expanded, work } = report;
  const { size, sha256 } = await hashFile(task.target);
  return { size, sha256, memoryBytes, encoderBytes, unreproducible, packing, expanded, work };
}

/** Linked from the archive, a stored file changes with it when somebody writes into that. */
async function verify({ path, sha256 }: StoredFile): Promise<void> {
  if ((await hashFile(path)).sha256 === sha256) return;
  await rm(path, { force: true });
  throw new DebshoalError('hash-mismatch', `${path} has changed and was removed`, {
    hint: 'the next run takes it from the archive again, if that still has it',
  });
}

answerTasks(diff);
