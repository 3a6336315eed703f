import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { openAptSystem, type AptSystem } from '../../client/apt/apt-system.js';
import { exists, withTemporaryFolder } from '../../shared/io/files.js';
import type { ReportProgress } from '../../shared/progress.js';
import { makeLab, type Lab } from './lab.js';

export interface OverheadOptions {
  readonly packages: number;
  /** Bytes of each. */
  readonly size: number;
  readonly runs: number;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/** Seconds of `apt-get upgrade --download-only`, run after run. */
export interface OverheadReport {
  readonly without: readonly number[];
  readonly with: readonly number[];
  /** Of the medians. */
  readonly ratio: number;
}

const CLIENT = fileURLToPath(new URL('../../client/cli.js', import.meta.url));

/** Downloads the same packages by turns with debshoal and without; the daemon knows no delta. */
export async function measureOverhead(options: OverheadOptions): Promise<OverheadReport> {
  return withTemporaryFolder(async (folder) => {
    const lab = await makeLab(folder, options.packages, options.size);
    const daemon = await startDaemon(lab);
    try {
      const system = await openAptSystem(lab.root);
      await system.run('apt-get', ['-qq', 'update'], options.signal);
      const report = { without: [] as number[], with: [] as number[] };
      // The first of each fills the caches of this machine and of the daemon.
      for (let run = 0; run <= options.runs; run++) {
        for (const kind of run % 2 === 0
          ? (['without', 'with'] as const)
          : (['with', 'without'] as const)) {
          const seconds = await download(lab, system, kind === 'with', options.signal);
          if (run > 0) report[kind].push(seconds);
        }
        options.report({ kind: 'count', name: 'runs', done: run, total: options.runs });
      }
      return { ...report, ratio: median(report.with) / median(report.without) };
    } finally {
      daemon.kill();
      await once(daemon, 'close');
      await lab.close();
    }
  });
}

async function startDaemon({ root, socket }: Lab): Promise<ReturnType<typeof spawn>> {
  const args = ['daemon', '--root', root, '--socket', socket, '--no-swarm', '--no-prefetch'];
  const daemon = spawn(process.execPath, [CLIENT, ...args], { stdio: 'ignore' });
  while (!(await exists(join(root, 'run/debshoal/ok')))) {
    if (daemon.exitCode !== null) throw new Error(`the daemon ended with ${daemon.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return daemon;
}

async function download(
  lab: Lab,
  system: AptSystem,
  isWith: boolean,
  signal: AbortSignal,
): Promise<number> {
  await lab.forget();
  const started = performance.now();
  const method = isWith ? lab.withMethod : [];
  await system.run('apt-get', [...method, '-qq', '-y', '--download-only', 'upgrade'], signal);
  return (performance.now() - started) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return ((sorted[middle] ?? 0) + (sorted[sorted.length - 1 - middle] ?? 0)) / 2;
}
