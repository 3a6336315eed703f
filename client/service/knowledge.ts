import { statSync } from 'node:fs';
import { join } from 'node:path';

import type { IndexedPackage } from '../../shared/index/deltas-index.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { AptSystem } from '../apt/apt-system.js';
import { installedVersions, type InstalledVersions } from '../apt/installed-versions.js';
import type { LoadedIndex } from '../steps/fetch-indexes.js';
import { readAptIndexes } from '../steps/read-apt-indexes.js';
import type { AcquireRequest } from './request.js';

/** What there is to know about pending packages without asking anybody. */
export interface Known {
  readonly indexes: readonly LoadedIndex[];
  readonly installed: InstalledVersions;
  /** Why there is no delta that could give this .deb; null when there may be one. */
  obstacle(request: Pick<AcquireRequest, 'package' | 'architecture' | 'sha256'>): string | null;
  /** SHA-256s of the .debs that deltas from what is installed lead to. */
  readonly reachable: readonly string[];
}

export interface Knowledge {
  /** What is known; first looks whether apt's lists or dpkg's status have changed. */
  get(): Promise<Known>;
  /** Fetches the indexes of our own sources anew; one run at a time. Never fails. */
  refresh(): Promise<void>;
  /** The end of a refresh that has just begun, or that of patience with it; null when there is none. */
  readonly soon: Promise<void> | null;
}

export interface KnowledgeOptions {
  readonly system: AptSystem;
  /** The indexes of our own sources; a source that fails is reported and left out. */
  readonly fetchIndexes: () => Promise<readonly LoadedIndex[]>;
  readonly report: ReportProgress;
}

/** Milliseconds from the beginning of a refresh on in which it is worth while to wait for its end. */
const REFRESH_PATIENCE = 5000;
/** Between two looks at the disk, milliseconds: apt itself takes longer to start. */
const LOOK_INTERVAL = 300;

export function openKnowledge({ system, fetchIndexes, report }: KnowledgeOptions): Knowledge {
  const places = ['var/lib/apt/lists', 'var/lib/dpkg/status'].map((path) =>
    join(system.root, path),
  );
  let [seen, lookedAt] = ['', -Infinity];
  let fetched: readonly LoadedIndex[] = [];
  let known: Promise<Known> | null = null;
  let refreshing: Promise<void> | null = null;
  let soon: Promise<void> | null = null;

  const load = async (): Promise<Known> => {
    const indexes = [...(await readAptIndexes(system, report)), ...fetched];
    return makeKnown(indexes, await installedVersions(system.root, namesBefore(indexes)));
  };
  const loadAnew = (): Promise<Known> => {
    const loading = load();
    known = loading;
    // The next one tries again.
    loading.catch(() => {
      if (known === loading) known = null;
    });
    return loading;
  };
  const look = (): boolean => {
    if (performance.now() - lookedAt < LOOK_INTERVAL) return false;
    lookedAt = performance.now();
    const before = seen;
    seen = places.map(stamp).join(' ');
    return seen !== before;
  };
  return {
    get soon() {
      return soon;
    },
    get() {
      const changed = look();
      return known === null || changed ? loadAnew() : known;
    },
    refresh() {
      if (refreshing !== null) return refreshing;
      refreshing = fetchIndexes()
        .then(async (indexes) => {
          fetched = indexes;
          look();
          await loadAnew();
        })
        .catch((error: unknown) => {
          report({ kind: 'warning', text: `indexes: ${String(error)}` });
        })
        .finally(() => {
          refreshing = null;
          soon = null;
        });
      const begun = Promise.race([refreshing, delay(REFRESH_PATIENCE)]).then(() => {
        if (soon === begun) soon = null;
      });
      soon = begun;
      return refreshing;
    },
  };
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

/** Changes when a file is replaced, or something in a folder is. */
function stamp(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return '-';
  }
}

function makeKnown(indexes: readonly LoadedIndex[], installed: InstalledVersions): Known {
  const entries = new Map<string, IndexedPackage[]>();
  for (const { index } of indexes) {
    for (const entry of index.packages) {
      const same = entries.get(entry.sha256);
      if (same) same.push(entry);
      else entries.set(entry.sha256, [entry]);
    }
  }
  const isFromHere = ({ deltas }: IndexedPackage, architecture: string): boolean =>
    deltas.some(
      ({ oldPackage, oldVersion }) => installed.get(`${oldPackage}:${architecture}`) === oldVersion,
    );
  return {
    indexes,
    installed,
    reachable: [...entries.values()]
      .flat()
      .filter((entry) => isFromHere(entry, entry.architecture))
      .map(({ sha256 }) => sha256),
    obstacle({ package: name, architecture, sha256 }) {
      const found = entries.get(sha256);
      if (found === undefined) return 'not in any index';
      if (found.some((entry) => isFromHere(entry, architecture))) return null;
      const version = installed.get(`${name}:${architecture}`);
      return version === undefined ? 'not installed yet' : `no delta from ${version}`;
    },
  };
}

/** Of the packages that deltas start from, and those that they lead to. */
function namesBefore(indexes: readonly LoadedIndex[]): Set<string> {
  const names = new Set<string>();
  for (const { index } of indexes) {
    for (const { package: name, deltas } of index.packages) {
      if (deltas.length > 0) names.add(name);
      for (const { oldPackage } of deltas) names.add(oldPackage);
    }
  }
  return names;
}
