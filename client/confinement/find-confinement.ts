import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { compiledFile } from '../../shared/io/worker-pool.js';
import { bwrapArguments, NOBODY, setprivArguments, type Identity, type Place } from './sandbox.js';
import { seccompFilter } from './seccomp-filter.js';

/**
 * How workers that read deltas are kept from the rest of the machine. `sandbox`: bubblewrap, they see
 * no secrets, no network and no process, and write to one folder. `user`: only as another user.
 * `none`: as whoever runs us.
 */
export type ConfinementLevel = 'sandbox' | 'user' | 'none';

export interface Confinement {
  readonly level: ConfinementLevel;
  /** For people: how, or why not better. */
  readonly detail: string;
  /** Whom the files of a worker belong to; null: to us. */
  readonly user: Identity | null;
  /** What runs `command` so. */
  enclose(command: readonly string[], place: Omit<Place, 'program'>): EnclosedCommand;
}

export interface EnclosedCommand {
  readonly command: readonly string[];
  /** To be read from descriptor 3. */
  readonly feed: Buffer | null;
  /** Whether its end is that of all that it has started: it waits for a sandbox. */
  readonly isSandbox: boolean;
}

export const WORKER = compiledFile(new URL('../workers/rebuild-worker.js', import.meta.url));
/** Our program with its packages: three folders up from `dist/client/workers`. */
export const PROJECT = resolve(dirname(WORKER), '../../..');
const PROGRAM = [process.execPath, PROJECT];

/**
 * How Node runs a worker. Its heap is a few megabytes and most garbage are buffers outside of it: a
 * young generation of 1 MiB instead of 16, and one helping thread instead of four, spare 3 to 12 MB
 * of memory and no processor time.
 */
export const WORKER_NODE_FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=1'] as const;

/** The best that works here, found out by trying. */
export async function findConfinement(): Promise<Confinement> {
  const user = process.geteuid?.() === 0 ? NOBODY : null;
  const sandbox = confinedBy('sandbox', user);
  const noSandbox = await whyNot(sandbox);
  if (noSandbox === null) return sandbox;
  const reason = `no sandbox by bwrap: ${noSandbox}`;
  if (user === null) return confinedBy('none', null, reason);
  const asNobody = confinedBy('user', user, reason);
  const noUser = await whyNot(asNobody);
  return noUser === null ? asNobody : confinedBy('none', null, `${reason}; not nobody: ${noUser}`);
}

const SANDBOX =
  seccompFilter(process.arch) === null
    ? `bubblewrap, without a filter of system calls: there is none for ${process.arch}`
    : 'bubblewrap';

/** One way of running workers, whether it works or not. */
export function confinedBy(
  level: ConfinementLevel,
  user: Identity | null,
  detail = SANDBOX,
): Confinement {
  return {
    level,
    detail,
    user,
    enclose(command, place) {
      const setpriv = ['setpriv', ...setprivArguments(user)];
      if (level !== 'sandbox')
        return { command: [...setpriv, ...command], feed: null, isSandbox: false };
      const feed = seccompFilter(process.arch);
      const filter = feed === null ? [] : ['--seccomp', '3'];
      const bwrap = bwrapArguments({ ...place, program: PROGRAM }, user !== null);
      const enclosed = ['bwrap', ...bwrap, ...filter, '--', ...setpriv, ...command];
      return { command: enclosed, feed, isSandbox: true };
    },
  };
}

/** Whether a worker could start and write; null when it could, else the reason. */
async function whyNot(confinement: Confinement): Promise<string | null> {
  const parent = await mkdtemp(join(tmpdir(), '.debshoal-'));
  const { user } = confinement;
  try {
    if (user !== null) await chown(parent, user.uid, user.gid);
    const test = 'test -x "$1" && test -r "$2" && : > written';
    const command = ['sh', '-c', test, 'sh', process.execPath, WORKER];
    return await run(confinement.enclose(command, { root: '/', folder: parent }), parent);
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

async function run({ command, feed }: EnclosedCommand, cwd: string): Promise<string | null> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  const fed = child.stdio[3] as NodeJS.WritableStream | null;
  fed?.on('error', () => undefined).end(feed ?? '');
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  try {
    const [status] = (await once(child, 'close')) as [number | null];
    return status === 0 ? null : said.trim() || `status ${String(status)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
