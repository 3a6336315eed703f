import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { AptSystem } from '../../client/apt/apt-system.js';
import type { Route } from '../../client/steps/choose-route.js';
import { openRebuilder } from '../../client/steps/rebuild-debs.js';
import { startReport } from '../../client/steps/report-fetch.js';
import type { FileIdentity } from '../../shared/delta/delta.js';
import { answerTasks } from '../../shared/io/worker-pool.js';

export interface SetTask {
  readonly packages: readonly {
    readonly deltaPath: string;
    readonly package: string;
    readonly architecture: string;
    readonly oldVersion: string;
    readonly target: FileIdentity;
    readonly memoryBytes: number;
  }[];
  /** Where all old versions are installed. */
  readonly root: string;
  readonly folder: string;
}

type DeltaRoute = Extract<Route, { kind: 'delta' }>;

/** Rebuilds all at once as `fetch` does when all deltas are there; wall-clock seconds. */
async function rebuildSet({ packages, root, folder }: SetTask): Promise<number> {
  // A rebuild looks at nothing else of a route, or of a system.
  const jobs = packages.map(({ target, deltaPath, memoryBytes, ...one }, index) => {
    const pending = { ...one, ...target, archiveName: `${index}.deb` };
    const delta = { memoryMiB: Math.ceil(memoryBytes / 2 ** 20) };
    const { oldVersion } = one;
    return { deltaPath, route: { kind: 'delta', pending, oldVersion, delta } as DeltaRoute };
  });
  const routes = jobs.map(({ route }) => route);
  const out = join(folder, 'rebuilt');
  await mkdir(out);
  const started = performance.now();
  const report = startReport(routes);
  const rebuilder = openRebuilder(routes, {
    system: { root } as AptSystem,
    folder: out,
    // Not to lose to whatever else this machine does.
    priority: 'normal',
    signal: new AbortController().signal,
  });
  try {
    await Promise.all(
      jobs.map(({ route, deltaPath }) => rebuilder.rebuild(route, deltaPath, report.of(route))),
    );
    return (performance.now() - started) / 1000;
  } finally {
    await rebuilder.close();
  }
}

answerTasks(rebuildSet);
