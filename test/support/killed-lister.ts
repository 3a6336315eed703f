import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

/*
 * Lists everything that is pending in a scratch root, then removes it again. Before each change to
 * the file system it copies the root into a folder, 1, 2, …: as it would be if we were killed at that
 * moment. `killed-lister.js BASE ROOT COPIES`.
 */
const [base = '', root = '', copies = ''] = process.argv.slice(2);
const CHANGES = ['rename', 'rm', 'symlink', 'link', 'mkdir', 'chmod'] as const;

let changes = 0;
for (const name of CHANGES) {
  const original = fs[name] as (...args: unknown[]) => Promise<unknown>;
  const counted = (...args: unknown[]): Promise<unknown> => {
    execFileSync('cp', ['-a', root, join(copies, String(++changes))]);
    return original(...args);
  };
  Object.assign(fs, { [name]: counted });
}
syncBuiltinESMExports();

const { openAptSystem } = await import('../../client/apt/apt-system.js');
const { listForApt, removeLocalRepository } =
  await import('../../client/apt/local-repository/local-repository.js');
const { expandedDebs, pendingIn } = await import('./scratch-upgrade.js');

const system = await openAptSystem(root);
const debs = await expandedDebs(base, system, await pendingIn(root));
await listForApt(system, debs, { kind: 'upgrade' }, new Date());
await removeLocalRepository(system);
