import { describe, expect, it } from 'vitest';

import type { PendingPackage } from '../../../client/apt/pending-upgrades.js';
import type { IndexSource } from '../../../client/config/index-sources.js';
import { chooseRoutes } from '../../../client/steps/choose-route.js';
import type { LoadedIndex } from '../../../client/steps/fetch-indexes.js';
import type { DeltasIndex, IndexedPackage } from '../../../shared/index/deltas-index.js';

const MIB = 2 ** 20;
const SHA256 = 'a'.repeat(64);

const pending: PendingPackage = {
  package: 'git',
  architecture: 'amd64',
  oldVersion: '1',
  version: '3',
  archiveName: 'git_3_amd64.deb',
  uris: ['http://archive.example.org/pool/git_3_amd64.deb'],
  size: 1000,
  sha256: SHA256,
};

const entry: IndexedPackage = {
  package: 'git',
  architecture: 'amd64',
  version: '3',
  size: 1000,
  sha256: SHA256,
  infoHash: 'b'.repeat(40),
  filename: 'pool/git_3_amd64.deb',
  expanded: { size: 5000, sha256: 'e'.repeat(64) },
  encoderMiB: 60,
  deltas: [
    {
      oldVersion: '2',
      size: 50,
      sha256: 'c'.repeat(64),
      memoryMiB: 100,
      batch: 0,
      work: { decode: 500, compress: 4000 },
    },
    {
      oldVersion: '1',
      size: 90,
      sha256: 'd'.repeat(64),
      memoryMiB: 200,
      batch: 0,
      work: { decode: 500, compress: 4000 },
    },
  ],
};

const source: IndexSource = {
  uri: 'http://deltas.example.org',
  suite: 'lab',
  components: ['main'],
  architectures: [],
  signedBy: '/key.asc',
  allowsExpanded: false,
};

/** What only the trusted index may make elsewhere. */
function loaded(...packages: readonly IndexedPackage[]): LoadedIndex {
  const index: DeltasIndex = {
    suite: 'lab',
    component: 'main',
    architecture: 'amd64',
    announce: ['udp://tracker.example.org:1'],
    batches: [{ name: 'b', infoHash: 'e'.repeat(40) }],
    packages,
  };
  return {
    source,
    index: index as LoadedIndex['index'],
    trust: 'third-party',
    allowsExpanded: false,
  };
}

const choose = (one: PendingPackage, ...indexes: readonly LoadedIndex[]) =>
  chooseRoutes([one], indexes, new Set(), 1024 * MIB)[0];

describe('the route of a package', () => {
  it('is the delta from the installed version, with the trackers of its index', () => {
    expect(choose(pending, loaded(entry))).toMatchObject({
      kind: 'delta',
      oldVersion: '1',
      bytes: 90,
      trackers: ['udp://tracker.example.org:1'],
    });
  });

  it('is the smallest of several indexes', () => {
    const smaller = entry.deltas.map((delta) => ({ ...delta, size: 10 }));
    expect(choose(pending, loaded(entry), loaded({ ...entry, deltas: smaller }))).toMatchObject({
      kind: 'delta',
      bytes: 10,
    });
  });

  it('is the full .deb when there is no delta from here, or nothing is installed', () => {
    expect(choose({ ...pending, oldVersion: '0' }, loaded(entry))?.kind).toBe('full');
    expect(choose({ ...pending, oldVersion: null }, loaded(entry))?.kind).toBe('full');
  });

  it('is the full .deb when rebuilding takes more memory than there is', () => {
    expect(chooseRoutes([pending], [loaded(entry)], new Set(), 199 * MIB)[0]).toMatchObject({
      kind: 'full',
      reason: expect.stringContaining('memory') as string,
    });
  });

  it('is the full .deb when the delta is no smaller', () => {
    const deltas = entry.deltas.map((delta) => ({ ...delta, size: 1000 }));
    expect(choose(pending, loaded({ ...entry, deltas }))?.kind).toBe('full');
  });

  it('is none to go when an earlier run has handed it over', () => {
    const ready = new Set([pending.archiveName]);
    expect(chooseRoutes([pending], [loaded(entry)], ready, 1024 * MIB)[0]).toMatchObject({
      kind: 'ready',
      bytes: 0,
    });
  });

  it('is apt’s own when no torrent carries the full .deb', () => {
    const alone = { ...entry, infoHash: null, deltas: [] };
    expect(choose(pending, loaded(alone))?.kind).toBe('none');
  });

  it('is apt’s own when the index knows another file of that version', () => {
    expect(choose({ ...pending, sha256: 'f'.repeat(64) }, loaded(entry))?.kind).toBe('none');
  });

  it.each([
    ['version', { version: '4' }],
    ['size', { size: 999 }],
    ['architecture', { architecture: 'all' }],
    ['name', { package: 'hg' }],
  ])('is apt’s own when hash and %s contradict each other', (_, other) => {
    expect(choose(pending, loaded({ ...entry, ...other }))?.kind).toBe('none');
  });
});
