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
    core: (await isInstalled('taskset')) ? await lastAllowedCore() : null,
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

/** The last one, because interrupts tend to go to the first. Containers may not have all cores. */
async function lastAllowedCore(): Promise<number | null> {
  const status = await readFile('/proc/self/status', 'latin1');
  const last = /^Cpus_allowed_list:.*?(\d+)$/m.exec(status)?.[1];
  return last === undefined ? null : Number(last);
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
