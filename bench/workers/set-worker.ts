import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { findConfinement } from '../../client/confinement/find-confinement.js';
import { openRebuilder, type Rebuild } from '../../client/steps/rebuild-debs.js';
import { answerTasks } from '../../shared/io/worker-pool.js';

export interface SetTask {
  readonly packages: readonly (Rebuild & { readonly deltaPath: string })[];
  /** Where all old versions are installed. */
  readonly root: string;
  readonly folder: string;
}

/** Rebuilds all at once as `fetch` does when all deltas are there; wall-clock seconds. */
async function rebuildSet({ packages, root, folder }: SetTask): Promise<number> {
  const out = join(folder, 'rebuilt');
  await mkdir(out);
  const started = performance.now();
  const rebuilder = openRebuilder(packages, {
    root,
    folder: out,
    confinement: await findConfinement(),
    // Not to lose to whatever else this machine does.
    priority: 'normal',
    signal: new AbortController().signal,
  });
  try {
    await Promise.all(packages.map((one) => rebuilder.rebuild(one, one.deltaPath)));
    return (performance.now() - started) / 1000;
  } finally {
    await rebuilder.close();
  }
}

answerTasks(rebuildSet);
