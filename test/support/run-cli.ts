import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';

/** The compiled generator: `npm test` builds first. */
const GENERATOR = resolve(import.meta.dirname, '../../dist/generator/cli.js');

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
}

export function startGenerator(args: readonly string[]): RunningCli {
  const child = spawn(process.execPath, [GENERATOR, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const result = new Promise<CliResult>((done, fail) => {
    child.on('error', fail);
    child.on('close', (status) => {
      done({ status, stdout, stderr });
    });
  });
  return { child, result };
}

export function runGenerator(...args: readonly string[]): Promise<CliResult> {
  return startGenerator(args).result;
}
