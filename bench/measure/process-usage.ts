import { readFileSync, writeFileSync } from 'node:fs';

import { parseIo, type Cost } from './run-measured.js';

/** What a running process and the children that it has waited for used so far, from proc(5). */
export type ProcessUsage = Omit<Cost, 'wallSeconds'>;

/** USER_HZ, which is 100 on all architectures of Debian. */
const TICKS_A_SECOND = 100;

/** At once, without waiting: the usage shall be that of one moment. */
export function readUsage(pid: number): ProcessUsage {
  const read = (name: string): string => readFileSync(`/proc/${pid}/${name}`, 'latin1');
  return {
    cpuSeconds: parseCpuSeconds(read('stat')),
    peakRssBytes: parsePeak(read('status')),
    ...parseIo(read('io')),
  };
}

/** Processor seconds of this process's children that have ended, and of theirs. */
export function childSeconds(): number {
  return parseCpuSeconds(readFileSync('/proc/self/stat', 'latin1'), 13, 15);
}

/** The peak of the resident set counts from now; "5" in proc(5), /proc/PID/clear_refs. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** User and system time, own and of waited-for children: fields 14 to 17, after the name. */
export function parseCpuSeconds(stat: string, from = 11, to = 15): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(from, to).reduce((sum, field) => sum + Number(field), 0);
  return ticks / TICKS_A_SECOND;
}

function parsePeak(status: string): number {
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? NaN) * 1024;
}
