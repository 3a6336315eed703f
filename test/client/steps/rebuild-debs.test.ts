import { chmod, copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, expect, test } from 'vitest';

import { makeInstalledRoot } from '../../../bench/main-job/scratch-root.js';
import {
  confinedBy,
  findConfinement,
  type Confinement,
} from '../../../client/confinement/find-confinement.js';
import { NOBODY } from '../../../client/confinement/sandbox.js';
import { openRebuilder } from '../../../client/steps/rebuild-debs.js';
import { hashFile } from '../../../shared/io/hash.js';
import { closing, temporaryFolder } from '../../support/cleanup.js';
import { openDeb } from '../../support/dpkg-deb.js';
import { errorCode } from '../../support/error-code.js';
import { needs } from '../../support/needs.js';
import { makeSampleDelta, type SampleDelta } from '../../support/sample-delta.js';

const SOURCE = 'usr/lib/library';

const describeHere = await needs('root', 'bwrap', 'perl');

describeHere('rebuilding in confined processes, as root', () => {
  let sandbox: Confinement;
  beforeAll(async () => {
    sandbox = await findConfinement();
  });

  interface Installed {
    readonly root: string;
    readonly sample: SampleDelta;
    readonly finished: string;
    readonly rebuild: (confinement?: Confinement) => Promise<{ path: string }>;
  }

  const install = async (): Promise<Installed> => {
    const base = await temporaryFolder();
    const [root, finished] = [join(base, 'root'), join(base, 'finished')];
    await mkdir(root);
    await mkdir(finished, { mode: 0o700 });
    const sample = await makeSampleDelta(join(base, 'sample'));
    await makeInstalledRoot(root, { debs: [sample.oldPath], architecture: 'amd64', openDeb });
    const deb = await hashFile(sample.newPath);
    const job = {
      pending: { architecture: 'amd64', archiveName: 'tiny_2_amd64.deb' },
      ...{ oldPackage: 'tiny', oldVersion: '1', form: 'exact' as const, deb },
      chosen: { memoryMiB: 200, rebuildSeconds: 1 },
    };
    const options = { root, folder: finished, priority: 'normal' as const };
    const { signal } = new AbortController();
    return {
      ...{ root, sample, finished },
      rebuild: async (confinement = sandbox) => {
        const rebuilder = closing(openRebuilder([job], { ...options, confinement, signal }));
        const deltaPath = join(base, 'delta');
        await copyFile(sample.path, deltaPath);
        const { path } = await rebuilder.rebuild(job, deltaPath);
        expect(await hashFile(path)).toEqual(deb);
        return { path };
      },
    };
  };

  test('the sandbox works here', () => {
    expect(sandbox).toMatchObject({ level: 'sandbox', user: NOBODY });
  });

  test('the .deb comes out, as a file of ours, and nothing else is left', async () => {
    const { rebuild, finished } = await install();
    const { path } = await rebuild();
    const { uid, mode } = await stat(path);
    expect({ uid, mode: mode & 0o7777 }).toEqual({ uid: 0, mode: 0o644 });
    expect(await readdir(finished)).toEqual(['tiny_2_amd64.deb']);
  });

  test('without a sandbox as nobody', async () => {
    const { root, rebuild } = await install();
    await chmod(join(root, '..'), 0o711);
    await rebuild(confinedBy('user', NOBODY));
  });

  test('a file that only root can read is given to it', async () => {
    const { root, rebuild } = await install();
    await chmod(join(root, SOURCE), 0o600);
    await rebuild();
  });

  test('one in a folder that only root can look into, too', async () => {
    const { root, rebuild } = await install();
    await chmod(join(root, 'usr/lib'), 0o700);
    await rebuild();
  });

  test('but not if it was changed: then another way is taken', async () => {
    const { root, rebuild, finished } = await install();
    const { size } = await stat(join(root, SOURCE));
    await writeFile(join(root, SOURCE), Buffer.alloc(size, 'x'));
    await chmod(join(root, SOURCE), 0o600);
    expect(await errorCode(rebuild())).toBe('source-changed');
    expect(await readdir(finished)).toEqual([]);
  });
});
