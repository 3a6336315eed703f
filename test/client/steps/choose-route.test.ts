import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { PackageOrigin } from '../../../client/apt/package-origins.js';
import type { PendingPackage } from '../../../client/apt/pending-upgrades.js';
import type { IndexSource } from '../../../client/config/index-sources.js';
import { totalSeconds } from '../../../client/predict/candidates.js';
import type { FindWaysOptions } from '../../../client/predict/find-ways.js';
import { chooseRoutes, predictPlan } from '../../../client/steps/choose-route.js';
import type { LoadedIndex } from '../../../client/steps/fetch-indexes.js';
import { stanzas, type Stanza } from '../../../shared/deb/deb822.js';
import type {
  DeltasIndex,
  IndexedDelta,
  IndexedPackage,
} from '../../../shared/index/deltas-index.js';

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
      oldPackage: 'git',
      oldVersion: '2',
      size: 50,
      sha256: 'c'.repeat(64),
      memoryMiB: 100,
      batch: 0,
      work: { decode: 500, compress: 4000 },
    },
    {
      oldPackage: 'git',
      oldVersion: '1',
      size: 90,
      sha256: 'd'.repeat(64),
      memoryMiB: 200,
      batch: 0,
      work: { decode: 500, compress: 4000 },
    },
  ],
};

const [, deltaFrom1] = entry.deltas as [IndexedDelta, IndexedDelta];

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

/** A megabyte a second; as fast as the reference machine. */
const options: FindWaysOptions = {
  memoryBytes: 1024 * MIB,
  encodersProven: true,
  cores: 2,
  speeds: { link: 1e6, decode: { exact: 1, expanded: 1 }, compress: 1 },
  prefer: 'bytes',
  installed: new Map(),
  expandable: new Map(),
};

const choose = (one: PendingPackage, ...indexes: readonly LoadedIndex[]) =>
  chooseRoutes([one], indexes, new Set(), options)[0];

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
    const tight = { ...options, memoryBytes: 199 * MIB };
    expect(chooseRoutes([pending], [loaded(entry)], new Set(), tight)[0]).toMatchObject({
      kind: 'full',
      reason: expect.stringContaining('memory') as string,
    });
  });

  it('is the delta from a package of the series that is installed under another name', () => {
    const [kernel, before] = ['linux-image-2-amd64', 'linux-image-1-amd64'];
    const deltas = entry.deltas.map((delta) => ({ ...delta, oldPackage: before }));
    const one = { ...pending, package: kernel, oldVersion: null };
    const index = loaded({ ...entry, package: kernel, deltas });
    const routeWith = (...installed: [string, string][]) =>
      chooseRoutes([one], [index], new Set(), { ...options, installed: new Map(installed) })[0];
    expect(routeWith([`${before}:${entry.architecture}`, '1'])).toMatchObject({
      kind: 'delta',
      oldPackage: before,
      oldVersion: '1',
    });
    expect(routeWith([`${before}:i386`, '1'])?.kind).toBe('full');
    expect(routeWith([`${before}:${entry.architecture}`, '0'])?.kind).toBe('full');
    expect(routeWith()?.kind).toBe('full');
  });

  it('is the full .deb on a machine whose encoders write other bytes', () => {
    const other = { ...options, encodersProven: false };
    expect(chooseRoutes([pending], [loaded(entry)], new Set(), other)[0]).toMatchObject({
      kind: 'full',
      reason: expect.stringContaining('encoders') as string,
    });
  });

  it('is the full .deb when the delta is no smaller', () => {
    const deltas = entry.deltas.map((delta) => ({ ...delta, size: 1000 }));
    expect(choose(pending, loaded({ ...entry, deltas }))?.kind).toBe('full');
  });

  it('is none to go when an earlier run has handed it over', () => {
    const ready = new Set([pending.archiveName]);
    expect(chooseRoutes([pending], [loaded(entry)], ready, options)[0]).toMatchObject({
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

/** Where apt found the package. */
const origin: PackageOrigin = {
  target: {
    repositoryUri: source.uri,
    release: 'lab',
    suites: ['lab'],
    component: 'main',
    architecture: 'amd64',
    file: 'Packages',
    releaseFilePrefix: 'lab_',
    isTrusted: true,
  },
  stanza: onlyStanza('Package: git\n'),
  release: {
    Origin: 'Lab',
    Label: '',
    Suite: 'lab',
    Codename: '',
    Version: '',
    NotAutomatic: '',
    ButAutomaticUpgrades: '',
  },
};

function onlyStanza(text: string): Stanza {
  const [stanza] = stanzas(text, { code: 'index-malformed', maxStanzaBytes: 1000 });
  if (stanza === undefined) throw new Error('no stanza');
  return stanza;
}

describe('the route by time', () => {
  const byTime = { ...options, prefer: 'time' } as const;
  const large = { ...pending, size: 10_000_000 };
  const work = { decode: 400, compress: 12_000 };
  const deltas = entry.deltas.map((delta) => ({ ...delta, size: 100_000, work }));
  const known = {
    ...entry,
    size: large.size,
    expanded: { size: 2e7, sha256: 'e'.repeat(64) },
    deltas,
  };
  const expandable = new Map([[known, [origin]]]);

  it('is the full .deb where compressing takes longer than downloading', () => {
    expect(chooseRoutes([large], [loaded(known)], new Set(), byTime)[0]).toMatchObject({
      kind: 'full',
      reason: 'full: 10.00 s instead of 12.50 s',
    });
  });

  it('is the expanded form where that is allowed, with all candidates', () => {
    const [route] = chooseRoutes([large], [loaded(known)], new Set(), { ...byTime, expandable });
    expect(route).toMatchObject({
      kind: 'delta',
      form: 'expanded',
      reason: 'delta: 0.50 s instead of 10.00 s',
      origins: [origin],
      deb: known.expanded,
    });
    const shown = route?.candidates.map((one) => [
      one.way,
      totalSeconds(one).toFixed(1),
      one.memoryMiB,
    ]);
    expect(shown).toEqual([
      ['full', '10.0', 0],
      ['expanded', '0.5', 140],
      ['exact', '12.5', 200],
    ]);
  });

  it('is the exact form on a slow link', () => {
    const slow = { ...byTime, speeds: { ...byTime.speeds, link: 1e5 } };
    expect(chooseRoutes([large], [loaded(known)], new Set(), slow)[0]).toMatchObject({
      kind: 'delta',
      form: 'exact',
      deb: { sha256: SHA256, size: large.size },
    });
  });

  it('is the expanded form where only that fits into memory', () => {
    const tight = { ...options, expandable, memoryBytes: 150 * MIB };
    expect(chooseRoutes([large], [loaded(known)], new Set(), tight)[0]).toMatchObject({
      form: 'expanded',
    });
  });

  it('takes a threaded encoder to use all cores for a single package', () => {
    const twoBlocks = { ...known, expanded: { size: 30 * MIB, sha256: 'e'.repeat(64) } };
    const [route] = chooseRoutes([large], [loaded(twoBlocks)], new Set(), byTime);
    expect(route).toMatchObject({ kind: 'delta', chosen: { rebuildSeconds: 6.4 } });
  });

  const packages = fc.array(
    fc.record({
      size: fc.integer({ min: 1000, max: 5e7 }),
      deltaSize: fc.integer({ min: 1, max: 5e6 }),
      decode: fc.nat(5000),
      compress: fc.nat(40_000),
      hasTorrent: fc.boolean(),
      isExpandable: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  );
  const machines = fc.record({
    link: fc.integer({ min: 1e4, max: 1e9 }),
    cores: fc.integer({ min: 1, max: 8 }),
    decode: fc.double({ min: 0.1, max: 20, noNaN: true }),
    compress: fc.double({ min: 0.1, max: 20, noNaN: true }),
  });

  /** Routes by a preference, and all full. */
  function plans(
    made: typeof packages extends fc.Arbitrary<infer T> ? T : never,
    machine: typeof machines extends fc.Arbitrary<infer T> ? T : never,
    prefer: FindWaysOptions['prefer'],
  ) {
    const named = made.map((one, i) => {
      const sha256 = i.toString(16).padStart(64, '0');
      const wanted = { ...pending, sha256, size: one.size, archiveName: `p${i}_3_amd64.deb` };
      const { decode, compress, deltaSize } = one;
      const delta = { ...deltaFrom1, size: deltaSize, work: { decode, compress } };
      const infoHash = one.hasTorrent ? entry.infoHash : null;
      return {
        one,
        wanted,
        known: { ...entry, sha256, size: one.size, infoHash, deltas: [delta] },
      };
    });
    const { link, cores, decode, compress } = machine;
    const all = {
      ...options,
      prefer,
      cores,
      speeds: { link, decode: { exact: decode, expanded: decode }, compress },
      expandable: new Map(
        named.flatMap(({ one, known: at }) => (one.isExpandable ? [[at, [origin]]] : [])),
      ),
    };
    const index = loaded(...named.map(({ known: at }) => at));
    const wanted = named.map((one) => one.wanted);
    const routes = chooseRoutes(wanted, [index], new Set(), all);
    const whole = chooseRoutes(
      wanted,
      [loaded(...named.map(({ known: at }) => ({ ...at, deltas: [] })))],
      new Set(),
      all,
    );
    return { routes, seconds: predictPlan(routes, cores), full: predictPlan(whole, cores) };
  }

  it('is never slower for all packages together than full .debs', () => {
    fc.assert(
      fc.property(packages, machines, (made, machine) => {
        const { seconds, full } = plans(made, machine, 'time');
        expect(seconds).toBeLessThanOrEqual(full * (1 + 1e-9));
      }),
    );
  });

  it('is never slower for a package alone than its full .deb', () => {
    fc.assert(
      fc.property(packages, machines, ([first], machine) => {
        if (first === undefined) return;
        const { routes } = plans([first], machine, 'time');
        const [route] = routes;
        const [full] = route?.candidates ?? [];
        if (!route?.chosen || !full) throw new Error('no route');
        expect(totalSeconds(route.chosen)).toBeLessThanOrEqual(totalSeconds(full));
      }),
    );
  });

  it('costs auto at most half a second or a twentieth more, and never more bytes', () => {
    fc.assert(
      fc.property(packages, machines, (made, machine) => {
        const time = plans(made, machine, 'time');
        const auto = plans(made, machine, 'auto');
        const most = Math.max(time.seconds + 0.5, time.seconds * 1.05);
        expect(auto.seconds).toBeLessThanOrEqual(most * (1 + 1e-9));
        const bytes = (routes: typeof time.routes): number =>
          routes.reduce((sum, route) => sum + route.bytes, 0);
        expect(bytes(auto.routes)).toBeLessThanOrEqual(bytes(time.routes));
      }),
    );
  });

  it('takes every delta for the fewest bytes', () => {
    fc.assert(
      fc.property(packages, machines, (made, machine) => {
        const { routes } = plans(made, machine, 'bytes');
        for (const route of routes) {
          expect(route.bytes).toBe(Math.min(...route.candidates.map(({ bytes }) => bytes)));
        }
      }),
    );
  });

  it('of one package turns from delta to full once as the link gets faster', () => {
    fc.assert(
      fc.property(
        packages,
        machines,
        fc.double({ min: 1, max: 100, noNaN: true }),
        (made, machine, by) => {
          const [first] = made;
          if (first === undefined) return;
          const slow = plans([first], machine, 'time').routes[0];
          const fast = plans([first], { ...machine, link: machine.link * by }, 'time').routes[0];
          if (fast?.kind === 'delta') expect(slow?.kind).toBe('delta');
        },
      ),
    );
  });
});
