import { join } from 'node:path';
import type { RequestListener } from 'node:http';
import { freemem } from 'node:os';

import { beforeEach, expect, test, vi } from 'vitest';

import { confinedBy } from '../../../client/confinement/find-confinement.js';
import type { PendingPackage } from '../../../client/apt/pending-upgrades.js';
import {
  fetchIntoStore,
  type FetchIntoStoreOptions,
} from '../../../client/service/fetch-into-store.js';
import { openReadyStore } from '../../../client/service/ready-store.js';
import { openSavings } from '../../../client/service/savings.js';
import { openWorks } from '../../../client/service/works.js';
import {
  activeRoutes,
  chooseRoutes,
  type ActiveRoute,
} from '../../../client/steps/choose-route.js';
import { openSpeedStore } from '../../../client/store/speeds.js';
import { DebshoalError } from '../../../shared/errors.js';
import { closing, temporaryFolder } from '../../support/cleanup.js';
import { serving, startHttpServer } from '../../support/http-server.js';
import { knownPackages, packageWithDelta } from '../../support/known-packages.js';

const packages = [packageWithDelta('aaa', '1'), packageWithDelta('bbb', '2')];
const pending: readonly PendingPackage[] = packages.map((one) => ({
  ...one,
  oldVersion: '1',
  archiveName: `${one.package}_3_amd64.deb`,
  uris: ['http://127.0.0.1:9/x.deb'],
}));

let options: FetchIntoStoreOptions;
let bugs: unknown[];

beforeEach(async () => {
  const folder = await temporaryFolder();
  bugs = [];
  options = {
    root: '/',
    findProxy: () => Promise.resolve(null),
    folder,
    store: await openReadyStore(join(folder, 'ready'), 1e9),
    works: openWorks(),
    speeds: await openSpeedStore(folder, 'read-write'),
    savings: await openSavings(folder),
    swarm: () => null,
    sharing: null,
    peers: [],
    confinement: confinedBy('none', null),
    priority: 'low',
    signal: new AbortController().signal,
    report: () => undefined,
    onBug: (error) => bugs.push(error),
  };
});

/** By delta; there are none where they come from. */
async function routes(server: RequestListener = serving({})): Promise<ActiveRoute[]> {
  const { url } = closing(await startHttpServer(server));
  const { indexes, installed } = await knownPackages(packages, url).knowledge.get();
  return activeRoutes(
    chooseRoutes(pending, indexes, new Set(), {
      memoryBytes: freemem(),
      encodersProven: true,
      installed,
      cores: 2,
      speeds: options.speeds.speeds,
      prefer: 'bytes',
      expandable: new Map(),
    }),
  );
}

test('what somebody else has begun with meanwhile stays his, the others are fetched', async () => {
  const chosen = await routes();
  expect(chosen.map((route) => route.pending.package)).toEqual(['aaa', 'bbb']);
  const other = options.works.begin(chosen[1]?.pending ?? raise(), 'made by another');
  await fetchIntoStore(chosen, options);
  expect(options.works.all).toEqual([other]);
  expect(bugs).toEqual([]);
});

test('nobody waits for what is given up, even when no room can be made', async () => {
  const full = (): Promise<never> => Promise.reject(new DebshoalError('disk-full', 'full'));
  const store = { ...options.store, makeRoom: full };
  const speeds = { ...options.speeds, save: full };
  // Until then they are there.
  const fetching = fetchIntoStore(await routes(), { ...options, store, speeds });
  const works = options.works.all;
  expect(works).toHaveLength(2);
  await fetching;
  expect(options.works.all).toEqual([]);
  const ends = await Promise.allSettled(works.map(({ done }) => done));
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('a fetch that takes many times what was predicted ends', async () => {
  const chosen = await routes((_, response) => {
    response.writeHead(200).flushHeaders();
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const fetching = fetchIntoStore(chosen, options);
    const ends = Promise.allSettled(options.works.all.map(({ done }) => done));
    await vi.advanceTimersByTimeAsync(300_000);
    await fetching;
    const code = { code: 'limit-exceeded' };
    expect(await ends).toMatchObject([{ reason: code }, { reason: code }]);
  } finally {
    vi.useRealTimers();
  }
});

function raise(): never {
  throw new Error('it is not there');
}
