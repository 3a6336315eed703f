import { rename } from 'node:fs/promises';

import { DebshoalError } from '../../shared/errors.js';
import { hashFile } from '../../shared/io/hash.js';
import { answerTasks } from '../../shared/io/worker-pool.js';
import { diffDebs } from '../diff/diff-debs.js';

export interface DiffTask {
  readonly oldPath: string;
  readonly newPath: string;
  readonly newSha256: string;
  readonly target: string;
  readonly temporaryParent: string;
}

export interface DiffedPair {
  readonly size: number;
  readonly sha256: string;
  readonly memoryBytes: number;
}

async function diff(task: DiffTask): Promise<DiffedPair> {
  const { sha256 } = await hashFile(task.newPath);
  if (sha256 !== task.newSha256) {
    throw new DebshoalError('hash-mismatch', `${task.newPath} is not what the archive listed`);
  }
  const unfinished = `${task.target}.unfinished`;
  const report = await diffDebs(task.oldPath, task.newPath, unfinished, task.temporaryParent);
  await rename(unfinished, task.target);
  const made = await hashFile(task.target);
  return { size: made.size, sha256: made.sha256, memoryBytes: report.memoryBytes };
}

answerTasks(diff);
