import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

import { hostMirror } from './host-mirror.js';

/**
 * What a group of tests needs of the machine: `root`, `network` (the mirror of this machine's own
 * apt sources answers), or the name of a program. Returns `describe`, which skips and says why when
 * something is missing. Never skips in CI, where .ci/run has installed everything.
 *
 *     const describeHere = await needs('root', 'debootstrap', 'network');
 */
export async function needs(
  ...names: readonly string[]
): Promise<(name: string, body: () => void) => void> {
  if (process.env['CI'] !== undefined) return describe;
  const missing: string[] = [];
  for (const name of names) if (!(await isThere(name))) missing.push(name);
  if (missing.length === 0) return describe;
  return (name, body) => {
    describe.skip(`${name} (skipped: needs ${missing.join(', ')})`, body);
  };
}

async function isThere(name: string): Promise<boolean> {
  if (name === 'root') return process.geteuid?.() === 0;
  if (name === 'network') return await mirrorAnswers();
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  for (const folder of [...folders, '/usr/sbin', '/sbin']) {
    try {
      await access(join(folder, name), constants.X_OK);
      return true;
    } catch {
      continue;
    }
  }
  return false;
}

async function mirrorAnswers(): Promise<boolean> {
  try {
    const mirror = await hostMirror();
    const signal = AbortSignal.timeout(10_000);
    return (await fetch(`${mirror}dists/stable/InRelease`, { method: 'HEAD', signal })).ok;
  } catch {
    return false;
  }
}
