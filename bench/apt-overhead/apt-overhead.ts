import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { openAptSystem, type AptSystem } from '../../client/apt/apt-system.js';
import { exists, withTemporaryFolder } from '../../shared/io/files.js';
import type { ReportProgress } from '../../shared/progress.js';
import { sha256 } from '../../shared/io/hash.js';
import { childSeconds } from '../measure/process-usage.js';
import { makeLab, type Lab } from './lab.js';

export interface OverheadOptions {
  readonly packages: number;
  /** Bytes of each. */
  readonly size: number;
  readonly runs: number;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/**
 * `idle`: debshoal is enabled, and no delta leads from what is installed. `others`: some do, to other
 * packages. `asked`: the daemon has just begun, and does not know yet.
 */
export const KINDS = ['without', 'idle', 'others', 'asked'] as const;
export type Kind = (typeof KINDS)[number];

/** Seconds of `apt-get upgrade --download-only`, run after run. */
export type OverheadReport = Readonly<
  Record<
    Kind,
    {
      readonly wall: readonly number[];
      /** Of apt and its methods, not of daemon and mirror; for when the machine is busy. */
      readonly cpu: readonly number[];
    }
  >
>;

/** What the daemon would write into the file that the method looks at. */
const LISTS: Readonly<Record<Kind, string | null>> = {
  without: null,
  idle: null,
  // As many as a large upgrade has.
  others: Array.from({ length: 1000 }, (_, i) => `${sha256(Buffer.from(String(i)))}\n`).join(''),
  asked: '',
};

/** Looks without the file that calls for questions: between the socket and it lie milliseconds. */
const CALM = 10;
const CLIENT = fileURLToPath(new URL('../../client/cli.js', import.meta.url));

/** Downloads the same packages by turns with debshoal and without; the daemon has none of them. */
export async function measureOverhead(options: OverheadOptions): Promise<OverheadReport> {
  return withTemporaryFolder(async (folder) => {
    const lab = await makeLab(folder, options.packages, options.size);
    const daemon = startDaemon(lab);
    const ended = once(daemon, 'close');
    try {
      await untilCalm(lab, daemon, options.signal);
      const system = await openAptSystem(lab.root);
      await system.run('apt-get', ['-qq', 'update'], options.signal);
      const empty = (): { wall: number[]; cpu: number[] } => ({ wall: [], cpu: [] });
      const report = { without: empty(), idle: empty(), others: empty(), asked: empty() };
      // The first round fills the caches of this machine and of the daemon.
      for (let run = 0; run <= options.runs; run++) {
        for (let turn = 0; turn < KINDS.length; turn++) {
          const kind = KINDS[(run + turn) % KINDS.length] ?? 'without';
          const { wall, cpu } = await download(lab, system, kind, options.signal);
          if (run === 0) continue;
          report[kind].wall.push(wall);
          report[kind].cpu.push(cpu);
        }
        options.report({ kind: 'count', name: 'runs', done: run, total: options.runs });
      }
      return report;
    } finally {
      daemon.kill();
      await ended;
      await lab.close();
    }
  });
}

function startDaemon({ root, socket }: Lab): ChildProcess {
  const args = ['daemon', '--root', root, '--socket', socket, '--no-swarm'];
  return spawn(process.execPath, [CLIENT, ...args], { stdio: 'ignore' });
}

/** Waits until the daemon has seen that there are no deltas. */
async function untilCalm(
  { socket, ready }: Lab,
  daemon: ChildProcess,
  signal: AbortSignal,
): Promise<void> {
  for (let calm = 0; calm < CALM;) {
    signal.throwIfAborted();
    if (daemon.exitCode !== null) throw new Error(`the daemon ended with ${daemon.exitCode}`);
    await setTimeout(100);
    calm = (await exists(socket)) && !(await exists(ready)) ? calm + 1 : 0;
  }
}

async function download(
  lab: Lab,
  system: AptSystem,
  kind: Kind,
  signal: AbortSignal,
): Promise<{ wall: number; cpu: number }> {
  await lab.forget();
  const list = LISTS[kind];
  await (list === null ? rm(lab.ready, { force: true }) : writeFile(lab.ready, list));
  const [started, used] = [performance.now(), childSeconds()];
  const method = kind === 'without' ? [] : lab.withMethod;
  await system.run('apt-get', [...method, '-qq', '-y', '--download-only', 'upgrade'], signal);
  return { wall: (performance.now() - started) / 1000, cpu: childSeconds() - used };
}
