import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { closing } from '../support/cleanup.js';
import { fixturePair } from '../support/fixture-pairs.js';
import { serveWithLog } from '../support/http-log.js';
import { LAB_SUITE, makeLab, type FetchRun, type Lab, type LabSystem } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { resign, type ResignOptions } from '../support/resign.js';
import { makeTestKey } from '../support/signing.js';

const DAY = 24 * 60 * 60 * 1000;
const describeHere = await needs('apt-get', 'dpkg-deb');

// Without an index that can be trusted, everything is left to apt: a warning, and exit status 0.
describeHere('an index that cannot be trusted', () => {
  let lab: Lab;
  let privateKey: string;
  beforeAll(async () => {
    lab = await makeLab(['libgd-tools', 'php8.2-xsl'].map(fixturePair));
    privateKey = await readFile(lab.home.signingKey, 'utf8');
  }, 120_000);
  afterAll(() => lab.close());

  /** A copy of the site whose index says something else; the copy's folder and a system for it. */
  const siteWith = async (options: Partial<ResignOptions>): Promise<[string, LabSystem]> => {
    const out = join(await lab.folder('site'), 'out');
    await cp(lab.out, out, { recursive: true });
    await resign(out, LAB_SUITE, { privateKey, ...options });
    const site = closing(await serveWithLog(out));
    return [out, await lab.system({ url: site.url })];
  };

  const expectLeftToApt = async (run: FetchRun, system: LabSystem, code: string): Promise<void> => {
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(`[${code}]`);
    for (const pair of lab.pairs) {
      expect(run.package(pair)).toMatchObject({ route: 'none', handedOver: false, httpBytes: 0 });
    }
    await system.aptDownloads();
  };

  test('attack: signed by another key', async () => {
    const [, system] = await siteWith({ privateKey: (await makeTestKey('stranger')).privateKey });
    await expectLeftToApt(await system.fetch('--no-swarm'), system, 'index-untrusted');
  });

  test('attack: an index that expired yesterday (freeze)', async () => {
    const signedAt = new Date();
    const [, system] = await siteWith({
      signedAt,
      release: (release) => ({
        ...release,
        date: new Date(Date.now() - 8 * DAY),
        validUntil: new Date(Date.now() - DAY),
      }),
    });
    await expectLeftToApt(await system.fetch('--no-swarm'), system, 'index-expired');
  });

  test('attack: an older index after a newer one (rollback)', async () => {
    const [out, system] = await siteWith({});
    const first = await system.fetch('--no-swarm', 'libgd-tools');
    expect(first.report?.packages).toMatchObject([{ route: 'delta', verified: true }]);
    await resign(out, LAB_SUITE, {
      privateKey,
      release: (release) => ({ ...release, counter: release.counter - 1 }),
    });
    const second = await system.fetch('--no-swarm', 'php8.2-xsl');
    expect(second.stderr).toMatch('[index-rollback]');
    expect(second.report?.packages).toMatchObject([{ route: 'none', handedOver: false }]);
    await system.aptDownloads();
  });
});
