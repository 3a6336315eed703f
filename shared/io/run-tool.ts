import { spawn } from 'node:child_process';

import { DebshoalError } from '../errors.js';

export interface ToolOptions {
  /** At most this many bytes of standard output are kept; more is an error. */
  readonly maxOutput: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly input?: Uint8Array | string;
  readonly signal?: AbortSignal;
  /** Exit statuses that are not an error; default [0]. */
  readonly acceptStatus?: readonly number[];
}

export interface ToolResult {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly status: number;
}

const STDERR_KEPT = 64 * 1024;

/** strerror(ENOSPC), as every program prints it; not translated where LC_ALL=C. */
const DISK_FULL = 'No space left on device';

/**
 * Runs a program without a shell and collects its output. Fails with `tool-failed` when it cannot
 * start, exits with another status, or prints more than allowed; `disk-full` when that is why.
 */
export function runTool(
  command: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: options.env ?? process.env,
      cwd: options.cwd,
      signal: options.signal,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    let outBytes = 0;
    let stderr = '';
    const fail = (message: string, cause?: unknown): void => {
      child.kill('SIGKILL');
      const code = stderr.includes(DISK_FULL) ? 'disk-full' : 'tool-failed';
      reject(new DebshoalError(code, message, { cause }));
    };
    child.stdout.on('data', (chunk: Buffer) => {
      outBytes += chunk.length;
      if (outBytes > options.maxOutput) fail(`${command} printed over ${options.maxOutput} bytes`);
      else out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < STDERR_KEPT) stderr += chunk.toString();
    });
    child.on('error', (error) => {
      if (error.name === 'AbortError') reject(error);
      else fail(`cannot run ${command}: ${error.message}`, error);
    });
    child.on('close', (status, killedBy) => {
      if (status !== null && (options.acceptStatus ?? [0]).includes(status)) {
        resolve({ stdout: Buffer.concat(out), stderr, status });
      } else {
        const how = status === null ? `was killed by ${String(killedBy)}` : `exited ${status}`;
        const lastLines = stderr.trim().split('\n').slice(-5).join('\n');
        fail(`${command} ${args.join(' ')} ${how}: ${lastLines}`);
      }
    });
    // A program may exit without reading its input; its status tells what happened.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}
