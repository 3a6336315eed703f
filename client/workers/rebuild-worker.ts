import { compress } from '../../shared/deb/compression.js';
import { openDelta } from '../../shared/delta/container.js';
import { rebuildDeb, type RebuildResult } from '../../shared/delta/rebuild.js';
import { DebshoalError } from '../../shared/errors.js';
import { answerTasks } from '../../shared/io/worker-pool.js';
import { openInstalledSource, type InstalledIdentity } from '../apt/installed-source.js';

export interface RebuildTask {
  readonly deltaPath: string;
  readonly root: string;
  readonly old: InstalledIdentity;
  /** What the signed index says the delta rebuilds. */
  readonly expected: { readonly sha256: string; readonly size: number };
  readonly target: string;
  readonly temporaryParent: string;
  /** For the compressor of this one package. */
  readonly threads: number;
}

async function rebuild(task: RebuildTask): Promise<RebuildResult> {
  await checkTarget(task);
  const installed = await openInstalledSource(task.root, task.old);
  return rebuildDeb(task.deltaPath, installed, task.target, {
    compressMember: (recipe, raw) => compress(recipe, raw, task.threads),
    temporaryParent: task.temporaryParent,
  });
}

/** Before any work: a delta that leads elsewhere than its index says is not worth rebuilding. */
async function checkTarget({ deltaPath, expected }: RebuildTask): Promise<void> {
  const { header, file } = await openDelta(deltaPath);
  await file.close();
  const { sha256, size } = header.target;
  if (sha256 !== expected.sha256 || size !== expected.size) {
    throw new DebshoalError(
      'index-mismatch',
      'the delta rebuilds another .deb than its index says',
    );
  }
}

answerTasks(rebuild);
