import { expect, test } from 'vitest';

import type { AptSystem } from '../../../client/apt/apt-system.js';
import { prefetch } from '../../../client/service/prefetch.js';
import { openReadyStore } from '../../../client/service/ready-store.js';
import { openWorks } from '../../../client/service/works.js';
import { openSpeedStore } from '../../../client/store/speeds.js';
import type { IndexedPackage } from '../../../shared/index/deltas-index.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { knownPackages, packageWithDelta } from '../../support/known-packages.js';

/** apt, where all of these are pending. */
function aptWith(packages: readonly IndexedPackage[]): AptSystem {
  const uris = packages.map(
    ({ package: name, size, sha256 }) =>
      `'http://127.0.0.1:9/${name}.deb' ${name}_3_amd64.deb ${size} SHA256:${sha256}\n`,
  );
  const lines = packages.map(({ package: name }) => `Inst ${name} [1] (3 lab [amd64])\n`);
  return {
    root: '/',
    architecture: 'amd64',
    run: (_: string, args: readonly string[]) =>
      Promise.resolve((args.includes('-s') ? lines : uris).join('')),
  } as unknown as AptSystem;
}

test('what is larger than the cache does not keep the others out', async () => {
  const packages = [
    packageWithDelta('giant', '1', 1_000_001),
    packageWithDelta('aaa', '2', 600_000),
    packageWithDelta('larger', '3', 400_001),
    packageWithDelta('bbb', '4', 400_000),
  ];
  const folder = await temporaryFolder();
  const { speeds } = await openSpeedStore(folder, 'read-only');
  const fetched: string[] = [];
  await prefetch({
    system: aptWith(packages),
    knowledge: knownPackages(packages).knowledge,
    store: await openReadyStore(folder, 1_000_000),
    works: openWorks(),
    speeds: () => speeds,
    encodersProven: () => Promise.resolve(true),
    maxBytes: 1_000_000,
    // What is fetched here does not get into the store.
    obstacle: () => (fetched.length > 0 ? 'enough' : null),
    fetch: (routes) => {
      fetched.push(...routes.map(({ pending }) => pending.package));
      return Promise.resolve();
    },
    signal: new AbortController().signal,
    report: () => undefined,
  });
  expect(fetched).toEqual(['aaa', 'bbb']);
});
