import { chmod, chown, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import type { MainJobReport } from '../../bench/main-job/main-job.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { asNobody, NOBODY } from '../support/as-nobody.js';
import { runCli } from '../support/cli.js';
import { FIXTURE_PAIRS } from '../support/fixture-pairs.js';
import { needs } from '../support/needs.js';

const isRoot = process.geteuid?.() === 0;
const describeHere = await needs('apt-get', 'gzip', ...(isRoot ? ['setpriv', 'unshare'] : []));

describeHere('npm start', () => {
  test('the main job, as an ordinary user: one JSON object, all verified, nothing left', () =>
    withTemporaryFolder(async (base) => {
      const [project, own] = [join(base, 'project'), join(base, 'own')];
      const [home, temporary] = [join(own, 'home'), join(own, 'tmp')];
      for (const folder of [project, own, home, temporary]) await mkdir(folder);
      await chmod(base, 0o755);
      if (isRoot) for (const folder of [home, temporary]) await chown(folder, NOBODY, NOBODY);

      const { status, stderr, json } = await runCli('bench', ['main-job', '--json'], {
        env: { PATH: process.env['PATH'], HOME: home, TMPDIR: temporary },
        ...(isRoot && { through: asNobody(project), project }),
      });
      expect({ status, stderr }).toMatchObject({ status: 0 });

      const report = json as MainJobReport;
      expect(report.packages).toHaveLength(FIXTURE_PAIRS.length);
      for (const pair of FIXTURE_PAIRS) {
        const result = report.packages.find(({ package: name }) => name === pair.package);
        const { fullBytes, deltaBytes, peerBytes = 0, httpBytes = 0 } = result ?? {};
        expect(result).toMatchObject({
          oldVersion: pair.oldVersion,
          newVersion: pair.newVersion,
          verified: true,
          fetchSeconds: expect.any(Number) as number,
          rebuildSeconds: expect.any(Number) as number,
          compressSeconds: expect.any(Number) as number,
        });
        expect(fullBytes).toBe(pair.newSize);
        expect(deltaBytes).toBeLessThan(pair.newSize / 3);
        expect(peerBytes + httpBytes).toBe(deltaBytes);
      }
      expect(await readdir(temporary)).toEqual([]);
      expect(await readdir(home)).toEqual([]);
    }));
});
