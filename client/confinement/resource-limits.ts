import { LIMITS } from '../../shared/limits.js';

/** What one rebuild may take: measured from what its signed index foresees, with room to spare. */
export interface ResourceLimits {
  /** All its private memory. */
  readonly memoryBytes: number;
  /** Of all its threads. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Of all files in its folder together, and so of one. */
  readonly diskBytes: number;
}

export interface Foreseen {
  readonly memoryBytes: number;
  readonly seconds: number;
  /** Of the finished .deb. */
  readonly size: number;
  /** Of the encoder; memory is foreseen for one. */
  readonly threads: number;
}

export function limitsFor({ memoryBytes, seconds, size, threads }: Foreseen): ResourceLimits {
  const { workerBaseBytes, workerThreadBytes, workerBaseSeconds, workerSeconds } = LIMITS;
  const cpuSeconds = Math.min(workerSeconds, Math.ceil(workerBaseSeconds + 20 * seconds));
  return {
    memoryBytes: 2 * memoryBytes + workerBaseBytes + (threads - 1) * workerThreadBytes,
    cpuSeconds,
    wallSeconds: 3 * cpuSeconds,
    diskBytes: 20 * size + workerBaseBytes,
  };
}

/** Arguments of prlimit(1). */
export function prlimitArguments({ memoryBytes, cpuSeconds, diskBytes }: ResourceLimits): string[] {
  return [
    '--core=0',
    // Not all of its addresses: WebAssembly reserves gigabytes that it never touches.
    `--data=${memoryBytes}`,
    `--cpu=${cpuSeconds}`,
    `--fsize=${diskBytes}`,
    `--nofile=${LIMITS.workerOpenFiles}`,
  ];
}
