import { describe, expect, it } from 'vitest';

import type { GeneratorState, KnownVersion } from '../../../generator/state/state.js';
import { buildIndexes } from '../../../generator/steps/build-indexes.js';
import { listPackages } from '../../../generator/steps/keep-versions.js';
import { pairVersions, unmadePairs } from '../../../generator/steps/pair-versions.js';
import { forgetUnused } from '../../../generator/steps/prune.js';
import {
  selectPart,
  type ArchivePackage,
  type ArchiveSuite,
  type Selection,
} from '../../../generator/steps/scan-archive.js';
import { encodeDeltasIndex } from '../../../shared/index/deltas-index.js';
import { sha256 } from '../../../shared/io/hash.js';
import { errorCode } from '../../support/error-code.js';

function known(version: string, changes: Partial<KnownVersion> = {}): KnownVersion {
  const { package: name = 'tiny', architecture = 'amd64' } = changes;
  return {
    package: name,
    architecture,
    version,
    sha256: sha256(Buffer.from(`${name} ${version} ${architecture}`)),
    size: 1000,
    filename: `pool/${name}_${version}.deb`,
    ...changes,
  };
}

function current(...packages: readonly ArchivePackage[]): Map<string, ArchivePackage> {
  return new Map(packages.map((entry) => [entry.sha256, entry]));
}

function names(pairs: readonly { old: KnownVersion; new: KnownVersion }[]): string[] {
  return pairs.map((pair) => `${pair.old.version} ${pair.new.version}`);
}

describe('pairVersions', () => {
  it('pairs with the newest versions before, by dpkg’s order', () => {
    const versions = ['1.9', '1.10', '1:0.1', '1.10~rc1', '2'].map((version) => known(version));
    const [, , epoch] = versions;
    const pairs = pairVersions(current(epoch as KnownVersion), versions, 3);
    expect(names(pairs)).toEqual(['2 1:0.1', '1.10 1:0.1', '1.10~rc1 1:0.1']);
  });

  it('mixes neither names nor architectures', () => {
    const versions = [
      known('1', { architecture: 'i386' }),
      known('1', { architecture: 'all' }),
      known('1', { package: 'other' }),
      known('2'),
    ];
    expect(pairVersions(current(known('2')), versions, 3)).toEqual([]);
  });

  it('pairs a new package of a series with the newest before it, and only then', () => {
    const image = (abi: string, version: string) =>
      known(version, { package: `linux-image-${abi}-amd64` });
    const versions = [image('6.1.0-8', '6.1.8-1'), image('6.1.0-9', '6.1.9-1')];
    const next = image('6.1.0-10', '6.1.10-1');
    const rebuilt = image('6.1.0-10', '6.1.10-2');
    expect(names(pairVersions(current(next), [...versions, next], 3))).toEqual([
      '6.1.9-1 6.1.10-1',
    ]);
    const all = [...versions, next, rebuilt];
    expect(names(pairVersions(current(rebuilt), all, 3))).toEqual(['6.1.10-1 6.1.10-2']);
  });

  it('makes nothing of a downgrade or of the same version with other content', () => {
    const again = known('2', { sha256: 'f'.repeat(64) });
    const versions = [known('3'), known('2'), again];
    expect(pairVersions(current(again), versions, 3)).toEqual([]);
  });

  it('counts a version once, and takes its last file', () => {
    const again = known('1', { sha256: 'f'.repeat(64) });
    const versions = [known('0'), known('1'), again, known('2')];
    const pairs = pairVersions(current(known('2')), versions, 2);
    expect(names(pairs)).toEqual(['1 2', '0 2']);
    expect(pairs[0]?.old.sha256).toBe(again.sha256);
  });

  it('pairs every version that the archive has', () => {
    const versions = [known('1'), known('2'), known('3')];
    const pairs = pairVersions(current(known('2'), known('3')), versions, 3);
    expect(names(pairs)).toEqual(['1 2', '2 3', '1 3']);
  });
});

const EMPTY: GeneratorState = {
  format: 1,
  versions: [],
  deltas: [],
  rejected: [],
  batches: [],
  debTorrents: [],
};

function made(old: KnownVersion, next: KnownVersion, batch = 'b1') {
  const sums = { oldSha256: old.sha256, newSha256: next.sha256, sha256: sha256(Buffer.from('x')) };
  const expanded = { size: 5000, sha256: sha256(Buffer.from(`expanded ${next.sha256}`)) };
  const memory = { memoryMiB: 130, encoderMiB: 100 };
  const work = { decode: 20, compress: 300 };
  const from = { oldPackage: old.package, oldVersion: old.version };
  return { ...sums, ...memory, ...from, size: 10, expanded, work, batch };
}

describe('unmadePairs', () => {
  it('leaves out what was made and what was rejected', () => {
    const [a, b, c] = [known('1'), known('2'), known('3')];
    const pairs = pairVersions(current(c), [a, b, c], 3);
    const rejected = [{ oldSha256: a.sha256, newSha256: c.sha256, reason: 'too-large' }];
    expect(names(unmadePairs(pairs, { deltas: [], rejected }))).toEqual(['2 3']);
    expect(unmadePairs(pairs, { deltas: [made(b, c)], rejected })).toEqual([]);
  });
});

describe('forgetUnused', () => {
  it('keeps the archive, the versions before it, and what belongs to them', () => {
    const [a, b, c, d] = [known('1'), known('2'), known('3'), known('4')];
    const torrent = ({ sha256: sum, filename }: KnownVersion) => ({
      sha256: sum,
      filename,
      infoHash: 'a'.repeat(40),
    });
    const state: GeneratorState = {
      ...EMPTY,
      versions: [a, b, c, d],
      deltas: [made(a, b, 'old'), made(c, d, 'new'), made(b, d, 'old')],
      rejected: [{ oldSha256: a.sha256, newSha256: c.sha256, reason: 'too-large' }],
      batches: ['unused', 'old', 'new'].map((name) => ({ name, infoHash: 'b'.repeat(40) })),
      debTorrents: [torrent(b), torrent(d)],
    };
    const packages = current(d);
    const after = forgetUnused(state, new Set(packages.keys()), pairVersions(packages, state.versions, 2)); // prettier-ignore
    expect(after.versions).toEqual([b, c, d]);
    expect(after.deltas).toEqual([made(c, d, 'new'), made(b, d, 'old')]);
    expect(after.rejected).toEqual([]);
    expect(after.batches.map(({ name }) => name)).toEqual(['old', 'new']);
    expect(after.debTorrents).toEqual([torrent(d)]);
    // Nothing more goes when it is asked again.
    const pairs = pairVersions(packages, after.versions, 2);
    expect(forgetUnused(after, new Set(packages.keys()), pairs)).toEqual(after);
  });
});

describe('buildIndexes', () => {
  const [a, b] = [known('1'), known('2')];
  const state: GeneratorState = {
    ...EMPTY,
    versions: [a, b],
    deltas: [made(a, b)],
    batches: ['b0', 'b1'].map((name) => ({ name, infoHash: 'b'.repeat(40) })),
  };

  function suite(...packages: readonly ArchivePackage[]): ArchiveSuite {
    const index = { suite: 'stable', component: 'main', architecture: 'amd64', packages };
    return { suite: 'stable', codename: 'x', releaseSha256: 'c'.repeat(64), indexes: [index] };
  }

  it('lists packages with deltas, and only the batches that they are in', () => {
    const [index] = buildIndexes(suite(b, known('5', { package: 'unrelated' })), state, [
      'udp://t:1',
    ]);
    expect(index?.packages.map((entry) => entry.package)).toEqual(['tiny']);
    expect(index?.batches.map((batch) => batch.name)).toEqual(['b1']);
    expect(index?.packages[0]?.deltas).toMatchObject([{ oldVersion: '1', batch: 0 }]);
    expect(index?.announce).toEqual(['udp://t:1']);
  });

  it('survives an archive that lists a version twice, and one of another architecture', () => {
    const twin = known('2', { sha256: 'd'.repeat(64) });
    const foreign = known('2', { architecture: 'i386' });
    const deltas = [...state.deltas, made(a, twin), made(a, foreign)];
    const [index] = buildIndexes(suite(b, twin, foreign), { ...state, deltas }, []);
    expect(index?.packages.map((entry) => entry.sha256)).toEqual([twin.sha256]);
    // Anything else would end the whole run here.
    expect(index && encodeDeltasIndex(index)).toContain('Version: 2');
  });

  it('lists one delta from a version that had two files', () => {
    const again = known('1', { sha256: 'e'.repeat(64) });
    const deltas = [made(a, b), { ...made(again, b), size: 20 }];
    const [index] = buildIndexes(suite(b), { ...state, deltas }, []);
    expect(index?.packages[0]?.deltas.map((delta) => delta.size)).toEqual([20]);
  });
});

describe('selectPart', () => {
  const index = (component: string, architecture: string, ...packages: ArchivePackage[]) => ({
    suite: 'stable',
    component,
    architecture,
    packages,
  });
  const suites: ArchiveSuite[] = [
    {
      suite: 'stable',
      codename: 'x',
      releaseSha256: 'c'.repeat(64),
      indexes: [index('main', 'amd64', known('1')), index('contrib', 'i386', known('2'))],
    },
  ];
  const all: Selection = { suites: [], components: [], architectures: [] };

  it('keeps everything when nothing is named, else what all names allow', () => {
    const count = (only: Selection) => listPackages(selectPart(suites, only)).size;
    expect(count(all)).toBe(2);
    expect(count({ ...all, components: ['main'] })).toBe(1);
    expect(count({ ...all, components: ['main'], architectures: ['i386'] })).toBe(0); // prettier-ignore
  });

  it('refuses a name that nothing has', async () => {
    const only = { ...all, suites: ['unstable'] };
    expect(await errorCode(() => selectPart(suites, only))).toBe('usage');
  });
});
