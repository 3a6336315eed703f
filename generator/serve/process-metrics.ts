import { readdir, readFile } from 'node:fs/promises';

import type { Metric, Sample } from './metrics.js';

/** USER_HZ, which is 100 on all architectures of Debian. */
const TICKS_A_SECOND = 100;

interface Process {
  readonly residentBytes: number;
  readonly openFiles: number;
  readonly cpuSeconds: number;
}

/** Memory, files and processor time of our processes by name, from proc(5); null: not running. */
export async function processMetrics(
  processes: Readonly<Record<string, number | null>>,
): Promise<Metric[]> {
  const found: (readonly [name: string, process: Process])[] = [];
  for (const [name, pid] of Object.entries(processes)) {
    // It may end just now.
    const process = pid === null ? null : await readProcess(pid).catch(() => null);
    if (process !== null) found.push([name, process]);
  }
  const samples = (field: keyof Process): Sample[] =>
    found.map(([name, process]) => ({ labels: { process: name }, value: process[field] }));
  return [
    {
      name: 'debshoal_process_resident_memory_bytes',
      kind: 'gauge',
      help: 'Resident memory.',
      samples: samples('residentBytes'),
    },
    {
      name: 'debshoal_process_open_fds',
      kind: 'gauge',
      help: 'Open file descriptors.',
      samples: samples('openFiles'),
    },
    {
      name: 'debshoal_process_cpu_seconds_total',
      kind: 'counter',
      help: 'User and system processor time.',
      samples: samples('cpuSeconds'),
    },
  ];
}

async function readProcess(pid: number): Promise<Process> {
  const folder = `/proc/${pid}`;
  const status = await readFile(`${folder}/status`, 'latin1');
  const stat = await readFile(`${folder}/stat`, 'latin1');
  // Fields 14 and 15, after the name, which may have blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    residentBytes: Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? NaN) * 1024,
    openFiles: (await readdir(`${folder}/fd`)).length,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND,
  };
}
