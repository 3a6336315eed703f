import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { rebuildConfined } from '../../client/confinement/confined-rebuild.js';
import { findConfinement } from '../../client/confinement/find-confinement.js';
import { printable } from '../../client/confinement/run-worker.js';
import { isDebshoalError } from '../../shared/errors.js';

/*
 * `attacks-as-user.js FOLDER NAME[=ARGUMENT]...`, to be run by an ordinary user: carries out attacks of
 * hostile-worker.js and prints what came of them as JSON, after the level of confinement.
 */

const worker = fileURLToPath(new URL('hostile-worker.js', import.meta.url));
const [parent = '', ...attacks] = process.argv.slice(2);
const { level, ...confinement } = await findConfinement();
const results = [level as string];
for (const text of attacks) {
  const [name = '', argument = ''] = text.split('=');
  const folder = await mkdtemp(join(parent, 'attack-'));
  const [deltaPath, target] = [join(folder, 'delta'), join(folder, 'x.deb')];
  await writeFile(deltaPath, 'a delta');
  const task = {
    ...{ root: '/', form: 'exact' as const, threads: 1 },
    old: { package: name, architecture: 'amd64', version: argument },
    expected: { size: 4, sha256: '' },
  };
  const limits = { memoryBytes: 2 ** 29, cpuSeconds: 5, wallSeconds: 60, diskBytes: 2 ** 24 };
  const { signal } = new AbortController();
  const rebuild = { deltaPath, target, task, limits, reader: null, prefix: [], signal };
  try {
    await rebuildConfined({ level, ...confinement }, rebuild, worker);
    results.push(await readFile(target, 'utf8'));
  } catch (error) {
    if (!isDebshoalError(error)) throw error;
    results.push(error.code === 'delta-damaged' ? printable(error.message) : error.code);
  }
}
console.log(JSON.stringify(results));
