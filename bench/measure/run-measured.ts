import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DebshoalError } from '../../shared/errors.js';

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** What commands cost, as GNU time reports it. */
export interface Cost {
  readonly wallSeconds: number;
  /** User and system time of the program and those that it started. */
  readonly cpuSeconds: number;
  /** The largest resident set of any single one of these processes. */
  readonly peakRssBytes: number;
  /** What all of them passed to and from the kernel, pipes and cached files included. */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

export interface MeasureOptions {
  /** Everything runs on these cores; none: on any. */
  readonly cores: readonly number[];
  /** For the temporary files of the programs, too: a killed one removes nothing itself. */
  readonly folder: string;
  /** For one command; some tools take hours for a file of zeros. */
  readonly maxSeconds: number;
  readonly signal: AbortSignal;
}

/** Debian's package `time`; nothing else reports memory and time of a program without root. */
export const GNU_TIME = '/usr/bin/time';

/**
 * Runs commands one after the other, and adds up what they cost. Gives the standard output of the
 * last. `tool-failed` when one fails, `limit-exceeded` when it takes too long; then, and at an abort,
 * all processes that they started end.
 */
export async function runMeasured(
  commands: readonly Command[],
  options: MeasureOptions,
): Promise<{ cost: Cost; stdout: string }> {
  let cost = NO_COST;
  let stdout = '';
  for (const command of commands) {
    const [time, io] = [join(options.folder, 'time'), join(options.folder, 'io')];
    const timing = ['-q', '-f', '%e %U %S %M', '-o', time];
    const counting = ['sh', '-c', WITH_IO, io];
    stdout = await run(
      command,
      [...timing, ...pinnedTo(options.cores), ...counting, ...command],
      options,
    );
    const moved = parseIo(await readFile(io, 'latin1'));
    cost = add(cost, { ...parseTime(await readFile(time, 'latin1')), ...moved });
  }
  return { cost, stdout };
}

const NO_COST: Cost = {
  wallSeconds: 0,
  cpuSeconds: 0,
  peakRssBytes: 0,
  readBytes: 0,
  writtenBytes: 0,
};

/** What a command line begins with to stay on these cores; none: on any. */
export function pinnedTo(cores: readonly number[]): string[] {
  return cores.length === 0 ? [] : ['taskset', '-c', cores.join()];
}

/** Runs its arguments; the counters of the shell are then also those of its child. */
const WITH_IO = '"$@"; status=$?; cat /proc/$$/io > "$0"; exit $status';

/** proc(5), /proc/PID/io. */
export function parseIo(text: string): Pick<Cost, 'readBytes' | 'writtenBytes'> {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? NaN);
  return { readBytes: field('rchar'), writtenBytes: field('wchar') };
}

function parseTime(text: string): Pick<Cost, 'wallSeconds' | 'cpuSeconds' | 'peakRssBytes'> {
  const [wall = NaN, user = NaN, system = NaN, kibibytes = NaN] = text
    .trim()
    .split(' ')
    .map(Number);
  return { wallSeconds: wall, cpuSeconds: user + system, peakRssBytes: kibibytes * 1024 };
}

function add(a: Cost, b: Cost): Cost {
  return {
    wallSeconds: a.wallSeconds + b.wallSeconds,
    cpuSeconds: a.cpuSeconds + b.cpuSeconds,
    peakRssBytes: Math.max(a.peakRssBytes, b.peakRssBytes),
    readBytes: a.readBytes + b.readBytes,
    writtenBytes: a.writtenBytes + b.writtenBytes,
  };
}

/** Programs under test may print anything; of it the end is kept, where errors are. */
const OUTPUT_KEPT = 64 * 1024;

function run(
  command: Command,
  timedCommand: readonly string[],
  { folder, maxSeconds, signal }: MeasureOptions,
): Promise<string> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(GNU_TIME, timedCommand, {
      env: { ...process.env, LC_ALL: 'C', TMPDIR: folder },
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, so that an abort reaches what the programs start.
      detached: true,
    });
    const killAll = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      stdout = (stdout + chunk.toString()).slice(-OUTPUT_KEPT);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-OUTPUT_KEPT);
    });
    signal.addEventListener('abort', killAll);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      killAll();
    }, maxSeconds * 1000);
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', killAll);
    };
    child.on('error', (cause) => {
      finish();
      reject(
        new DebshoalError('tool-failed', `cannot run ${GNU_TIME}: ${cause.message}`, { cause }),
      );
    });
    // Not before all of them have let go of the pipes: their files are about to be removed.
    child.on('close', (status) => {
      finish();
      if (signal.aborted) reject(new DebshoalError('interrupted', 'interrupted'));
      else if (isLate) reject(tooLate(command, maxSeconds));
      else if (status === 0) resolve(stdout);
      else reject(failure(command, status, stderr || stdout));
    });
  });
}

function tooLate([program]: Command, maxSeconds: number): DebshoalError {
  return new DebshoalError('limit-exceeded', `${program} took over ${maxSeconds} seconds`);
}

function failure(
  [program, ...args]: Command,
  status: number | null,
  output: string,
): DebshoalError {
  const lastLines = output.trim().split('\n').slice(-3).join('\n');
  const what = `${program} ${args.join(' ')} exited ${String(status)}`;
  return new DebshoalError('tool-failed', `${what}: ${lastLines}`);
}
