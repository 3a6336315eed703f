import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { ErrorCode } from '../../shared/errors.js';

type Side = 'client' | 'generator' | 'bench';

/** How a command line program ended. */
export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output, when it is one JSON value and nothing else; undefined otherwise. */
  readonly json: unknown;
  /** Of the error that `--json` printed; null without one. */
  readonly errorCode: ErrorCode | null;
  readonly seconds: number;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly ended: Promise<CliResult>;
}

export interface CliOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** A program and arguments to start it with. */
  readonly through?: readonly string[];
  /** Where that program sees the project; default where it is. */
  readonly project?: string;
}

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** Starts the real, compiled program of a side in a process of its own. */
export function startCli(
  side: Side,
  args: readonly string[],
  options: CliOptions = {},
): RunningCli {
  const [command = '', ...rest] = [
    ...(options.through ?? []),
    process.execPath,
    join(options.project ?? PROJECT, 'dist', side, 'cli.js'),
    ...args,
  ];
  const started = performance.now();
  const child = spawn(command, rest, {
    env: options.env ?? process.env,
    // An ordinary user may not read where we are.
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      const json = parse(stdout);
      const seconds = (performance.now() - started) / 1000;
      resolve({ status, stdout, stderr, json, errorCode: codeOf(json), seconds });
    });
  });
  return { child, stdout: () => stdout, ended };
}

/** Runs the real program to its end, whatever its exit status. */
export function runCli(
  side: Side,
  args: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  return startCli(side, args, options).ended;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function codeOf(json: unknown): ErrorCode | null {
  const { error } = (json ?? {}) as { error?: { code: ErrorCode } };
  return error?.code ?? null;
}
