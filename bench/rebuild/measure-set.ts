import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { openDelta } from '../../shared/delta/container.js';
import { DebshoalError } from '../../shared/errors.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { openWorkerPool } from '../../shared/io/worker-pool.js';
import { openDebStreams } from '../main-job/open-deb-streams.js';
import { makeInstalledRoot } from '../main-job/scratch-root.js';
import { readUsage } from '../measure/process-usage.js';
import { pinnedTo } from '../measure/run-measured.js';
import type { Pair } from '../pair-list.js';
import type { SetTask } from '../workers/set-worker.js';
import { compressWithXz, type PairOptions } from './measure-pair.js';
import { preparePair } from './prepare-pair.js';

/** All pairs rebuilt exactly at once, by the worker processes of `fetch`. */
export interface SetResult {
  readonly packages: number;
  readonly cores: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** Of `xz -6 -T2` on each data.tar by itself, on one core. */
  readonly xzCpuSeconds: number;
  /** The wall time beside that of xz, were it spread over the cores without a gap. */
  readonly ratio: number;
}

type SetOptions = Omit<PairOptions, 'coreSets'> & { readonly cores: readonly number[] };

/**
 * Installs all old versions in one root and rebuilds all new ones. The packages must be different
 * ones. `xzCpuSeconds` of the same pairs in the same run; null: it is measured here.
 */
export async function measureSet(
  pairs: readonly Pair[],
  xzCpuSeconds: number | null,
  options: SetOptions,
): Promise<SetResult> {
  return withTemporaryFolder(async (folder) => {
    let xz = xzCpuSeconds ?? 0;
    const packages: SetTask['packages'][number][] = [];
    for (const [index, pair] of pairs.entries()) {
      const deltaPath = join(folder, `${index}.delta`);
      await withTemporaryFolder(async (pairFolder) => {
        const prepared = await preparePair(pair, pairFolder, options);
        await copyFile(prepared.deltaPath, deltaPath);
        if (xzCpuSeconds !== null) return;
        const core = options.cores.slice(-1);
        xz += (await compressWithXz(prepared, pairFolder, core, options)).cpuSeconds;
      }, folder);
      const { header } = await openDelta(deltaPath);
      packages.push({
        deltaPath,
        pending: {
          architecture: header.architecture,
          archiveName: `${index}.deb`,
        },
        oldPackage: header.oldPackage,
        oldVersion: header.oldVersion,
        form: 'exact',
        deb: header.target,
        // The longest first, as where seconds are predicted.
        chosen: {
          memoryMiB: Math.ceil(header.memoryBytes / 2 ** 20),
          rebuildSeconds: header.expanded.size,
        },
      });
    }
    const names = new Set(
      packages.map(({ oldPackage, pending }) => `${oldPackage}:${pending.architecture}`),
    );
    if (names.size < packages.length) {
      throw new DebshoalError('usage', 'the set has two versions of one package', {
        hint: 'choose pairs with --only',
      });
    }
    const root = await installAll(pairs, folder);
    const { wallSeconds, cpuSeconds } = await rebuildAll({ packages, root, folder }, options);
    const cores = options.cores.length;
    const ratio = wallSeconds / (xz / cores);
    return { packages: pairs.length, cores, wallSeconds, cpuSeconds, xzCpuSeconds: xz, ratio };
  });
}

async function installAll(pairs: readonly Pair[], folder: string): Promise<string> {
  const root = join(folder, 'root');
  await mkdir(root);
  await withTemporaryFolder(async (temporary) => {
    let count = 0;
    await makeInstalledRoot(root, {
      debs: pairs.map(({ oldDeb }) => oldDeb),
      architecture: 'amd64',
      openDeb: (deb) => openDebStreams(deb, join(temporary, String(count++))),
    });
  }, folder);
  return root;
}

/** In a process of its own on these cores, whose children the rebuilding workers are. */
async function rebuildAll(
  task: SetTask,
  { cores, signal }: SetOptions,
): Promise<{ wallSeconds: number; cpuSeconds: number }> {
  const pids: number[] = [];
  const pool = openWorkerPool<SetTask, number>(
    new URL('../workers/set-worker.js', import.meta.url),
    1,
    { prefix: pinnedTo(cores), onStart: (pid) => pids.push(pid) },
  );
  try {
    const wallSeconds = await pool.run(task, signal);
    return { wallSeconds, cpuSeconds: readUsage(pids[0] ?? 0).cpuSeconds };
  } finally {
    await pool.close();
  }
}
