import { spawnSync } from 'node:child_process';

/** True when a tool is missing and the test may be skipped: never in CI, where all are installed. */
export function lacks(tool: string): boolean {
  const found = spawnSync('which', [tool]).status === 0;
  return !found && process.env['CI'] === undefined;
}
