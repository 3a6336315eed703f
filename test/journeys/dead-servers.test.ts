import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { fixturePair } from '../support/fixture-pairs.js';
import { serveWithLog, type Misbehave } from '../support/http-log.js';
import { makeLab, type FetchRun, type Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const describeHere = await needs('apt-get', 'dpkg-deb');

describeHere('servers that are dead', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await makeLab(['ghostscript', 'libgd-tools', 'php8.2-xsl'].map(fixturePair));
  }, 120_000);
  afterAll(() => lab.close());
  afterEach(() => {
    lab.behave();
  });

  const routes = (run: FetchRun): string[] => lab.pairs.map((pair) => run.package(pair).route);

  test('no site: connection refused', async () => {
    const system = await lab.system({ url: 'http://127.0.0.1:9' });
    const run = await system.fetch();
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch('[http-failed]');
    expect(routes(run)).toEqual(['none', 'none', 'none']);
    await system.aptDownloads();
  });

  // Twenty seconds each, so at the same time; each waits once, however many packages are pending.
  test.concurrent.each([
    ['a site that accepts connections and never answers', 'none', () => true],
    ['a site that answers for its index alone', 'full', (path) => !path.startsWith('/dists/')],
  ] satisfies [string, string, Misbehave][])('%s', async (_, route, silent) => {
    const site = await serveWithLog(lab.out, silent);
    try {
      const system = await lab.system({ url: site.url });
      const run = await system.fetch();
      expect(run.status).toBe(0);
      expect(run.stderr).toMatch('[http-failed]');
      expect(routes(run)).toEqual([route, route, route]);
      await system.aptDownloads();
    } finally {
      await site.close();
    }
  });

  test('no tracker and no seeder: all over HTTP', async () => {
    const system = await lab.system();
    const run = await system.fetch();
    expect(routes(run)).toEqual(['delta', 'delta', 'delta']);
    expect(run.report?.peerBytes).toBe(0);
    await system.aptDownloads();
  });

  test('no mirror of the archive, but deltas', async () => {
    const system = await lab.system();
    lab.misbehave('mirror', (_, response) => {
      response.destroy();
      return true;
    });
    const run = await system.fetch('--no-swarm');
    expect(routes(run)).toEqual(['delta', 'delta', 'delta']);
    expect(run.report?.packages.every(({ handedOver }) => handedOver)).toBe(true);
    await system.aptDownloads();
    expect(lab.mirror.requests).toEqual([]);
  });
});
