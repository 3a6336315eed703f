import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openAptSystem, type AptSystem } from '../../../client/apt/apt-system.js';
import type { PendingPackage } from '../../../client/apt/pending-upgrades.js';
import type { LoadedIndex } from '../../../client/steps/fetch-indexes.js';
import { findExpandable, type ExpandedPolicy } from '../../../client/steps/find-expandable.js';
import type { IndexedPackage } from '../../../shared/index/deltas-index.js';
import { needs } from '../../support/needs.js';
import { SAMPLE_INDEX } from '../../support/sample-index.js';
import {
  makeScratchUpgrade,
  pendingIn,
  type ScratchUpgrade,
} from '../../support/scratch-upgrade.js';

const describeHere = await needs('apt-get', 'dpkg-deb');

describeHere('who may vouch for expanded packages', () => {
  let base: string;
  let lab: ScratchUpgrade;
  let system: AptSystem;
  let pending: PendingPackage[];

  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), '.debshoal-'));
    lab = await makeScratchUpgrade(base);
    const root = await lab.root();
    system = await openAptSystem(root);
    pending = await pendingIn(root);
  });

  afterAll(async () => {
    await lab.close();
    await rm(base, { recursive: true });
  });

  function entryOf(one: PendingPackage, change: Partial<IndexedPackage> = {}): IndexedPackage {
    const { package: name, architecture, version, size, sha256 } = one;
    const [sample] = SAMPLE_INDEX.packages;
    if (sample === undefined) throw new Error('a sample');
    const identity = { package: name, architecture, version, size, sha256 };
    return { ...sample, ...identity, expanded: { size: 1, sha256: 'e'.repeat(64) }, ...change };
  }

  /** An index of all that is pending, by default the archive's own. */
  function loaded(
    change: Partial<Omit<LoadedIndex, 'index'>> = {},
    entry: Partial<IndexedPackage> = {},
  ): LoadedIndex {
    const packages = pending.map((one) => entryOf(one, entry));
    const own = { source: { uri: lab.mirror.url, suite: 'lab' }, trust: 'archive' } as const;
    const index = { ...SAMPLE_INDEX, packages } as unknown as LoadedIndex['index'];
    return { ...own, allowsExpanded: false, index, ...change };
  }

  const count = async (index: LoadedIndex, policy: ExpandedPolicy): Promise<number> =>
    (await findExpandable(system, pending, [index], policy, () => undefined)).size;

  test('an archive for its own packages, unless nobody may', async () => {
    const index = loaded();
    const found = await findExpandable(system, pending, [index], 'auto', () => undefined);
    expect(found.size).toBe(pending.length);
    for (const entry of index.index.packages) {
      const [origin, ...others] = found.get(entry) ?? [];
      expect(others).toEqual([]);
      expect(origin?.stanza.get('Package')).toBe(entry.package);
      expect(origin?.release).toMatchObject({ Suite: 'lab', Codename: 'lab' });
      expect(origin?.target).toMatchObject({ component: 'main', repositoryUri: lab.mirror.url });
    }
    expect(await count(loaded(), 'never')).toBe(0);
  });

  test('attack: an archive that vouches for the packages of another one', async () => {
    const other = { uri: 'http://ppa.example.org', suite: 'lab' };
    expect(await count(loaded({ source: other }), 'auto')).toBe(0);
    expect(await count(loaded({ source: { uri: lab.mirror.url, suite: 'ppa' } }), 'always')).toBe(
      0,
    );
  });

  test('a third party only when the user says so', async () => {
    const source = { uri: 'http://deltas.example.org', suite: 'lab' };
    const stranger = { source, trust: 'third-party' } as const;
    const notes: string[] = [];
    const found = await findExpandable(system, pending, [loaded(stranger)], 'auto', (event) => {
      notes.push(event.kind);
    });
    expect([found.size, notes]).toEqual([0, ['note']]);
    expect(await count(loaded(stranger), 'always')).toBe(pending.length);
    expect(await count(loaded({ ...stranger, allowsExpanded: true }), 'auto')).toBe(pending.length);
    expect(await count(loaded({ ...stranger, allowsExpanded: true }), 'never')).toBe(0);
  });

  test('nothing that has no expanded form, or that apt does not want', async () => {
    expect(await count(loaded({}, { expanded: null }), 'auto')).toBe(0);
    expect(await count(loaded({}, { sha256: 'f'.repeat(64) }), 'auto')).toBe(0);
  });
});
