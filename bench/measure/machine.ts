import { access, constants, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { delimiter, join } from 'node:path';

import { runTool } from '../../shared/io/run-tool.js';

/** Where the figures are from. */
export interface Machine {
  readonly processor: string;
  /** The core that everything runs on; null where nothing can be pinned. */
  readonly core: number | null;
  readonly node: string;
  /** Debian's packages of the tools, as `zstd 1.5.4+dfsg2-5`. */
  readonly packages: readonly string[];
}

/** `packages`: names to report the versions of. */
export async function describeMachine(packages: readonly string[]): Promise<Machine> {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    // The last one, because interrupts tend to go to the first.
    core: (await isInstalled('taskset')) ? ((await allowedCores()).at(-1) ?? null) : null,
    node: process.version,
    packages: await versionsOf(packages),
  };
}

/** Whether a program is in the PATH. */
export async function isInstalled(program: string): Promise<boolean> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      await access(join(folder, program), constants.X_OK);
      return true;
    } catch {
      continue;
    }
  }
  return false;
}

/** The cores that this process may use: containers may not have all. */
export async function allowedCores(): Promise<number[]> {
  const status = await readFile('/proc/self/status', 'latin1');
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '';
  return parseCores(list);
}

/** The kernel's lists, such as `0-3,8`. */
export function parseCores(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    if (first === undefined) return [];
    const count = Number(last) - Number(first) + 1;
    return Array.from({ length: count }, (_, i) => Number(first) + i);
  });
}

async function versionsOf(packages: readonly string[]): Promise<string[]> {
  if (packages.length === 0 || !(await isInstalled('dpkg-query'))) return [];
  const format = '${db:Status-Abbrev}${Package} ${Version}\\n';
  // Status 1: some of them are not installed.
  const { stdout } = await runTool('dpkg-query', ['-W', '-f', format, ...packages], {
    maxOutput: 1 << 20,
    acceptStatus: [0, 1],
  });
  const lines = stdout.toString().split('\n');
  return lines.filter((line) => line.startsWith('ii ')).map((line) => line.slice(3));
}
