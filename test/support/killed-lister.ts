import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/*
 * Lists everything that is pending in a scratch root, then removes it again, and is killed before
 * its n-th change to the file system: `killed-lister.js BASE ROOT N`.
 */
const [base = '', root = '', limit = ''] = process.argv.slice(2);
const CHANGES = ['rename', 'rm', 'symlink', 'link', 'mkdir', 'chmod'] as const;

let changes = 0;
for (const name of CHANGES) {
  const original = fs[name] as (...args: unknown[]) => Promise<unknown>;
  const counted = (...args: unknown[]): Promise<unknown> => {
    if (++changes > Number(limit)) process.kill(process.pid, 'SIGKILL');
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
