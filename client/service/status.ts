import type { Progress, ReportProgress } from '../../shared/progress.js';
import type { LoadedIndex } from '../steps/fetch-indexes.js';
import type { ReadyStore } from './ready-store.js';
import type { Savings } from './savings.js';
import type { Confinement } from '../confinement/find-confinement.js';
import type { SharingStatus } from '../sharing/sharing.js';
import { publicText } from './public-text.js';
import type { Works } from './works.js';

/** Of the last troubles; the journal has all of them. */
const KEPT = 10;

export interface Trouble {
  readonly at: string;
  readonly text: string;
}

/** What `700 Status` answers: bytes, and times as ISO 8601. */
export interface ServiceStatus {
  readonly version: string;
  readonly since: string;
  readonly indexes: readonly {
    readonly uri: string;
    readonly suite: string;
    readonly trust: LoadedIndex['trust'];
    readonly packages: number;
  }[];
  readonly working: readonly {
    readonly package: string;
    readonly version: string;
    readonly stage: string;
    readonly since: string;
  }[];
  readonly cache: { readonly files: number; readonly bytes: number; readonly maxBytes: number };
  /** Counted from `since` on; `inMonth` from the beginning of `month`. */
  readonly saved: Savings['now'];
  readonly peers: { readonly port: number } | null;
  /** Why every package comes from the mirror; null: it need not. */
  readonly obstacle: string | null;
  /** Why nothing comes in the background; null when it may. */
  readonly prefetchObstacle: string | null;
  readonly troubles: readonly Trouble[];
  readonly sharing: SharingStatus;
  /** What deltas are applied in. */
  readonly confinement: Pick<Confinement, 'level' | 'detail'>;
}

export interface StatusParts {
  readonly version: string;
  readonly since: Date;
  readonly indexes: readonly LoadedIndex[];
  readonly works: Works;
  readonly store: ReadyStore;
  readonly maxBytes: number;
  readonly savings: Savings;
  readonly port: number | null;
  readonly obstacle: string | null;
  readonly prefetchObstacle: string | null;
  readonly troubles: readonly Trouble[];
  readonly sharing: SharingStatus;
  readonly confinement: Confinement;
}

export function describeStatus(parts: StatusParts): ServiceStatus {
  const { store, works, port } = parts;
  return {
    version: parts.version,
    since: parts.since.toISOString(),
    indexes: parts.indexes.map(({ source: { uri, suite }, trust, index }) => ({
      uri: publicText(uri),
      suite,
      trust,
      packages: index.packages.length,
    })),
    working: works.all.map(({ pending, stage, since }) => ({
      package: pending.package,
      version: pending.version,
      stage,
      since: since.toISOString(),
    })),
    cache: { files: store.count, bytes: store.bytes, maxBytes: parts.maxBytes },
    saved: parts.savings.now,
    peers: port === null ? null : { port },
    obstacle: parts.obstacle,
    prefetchObstacle: parts.prefetchObstacle,
    troubles: parts.troubles,
    sharing: parts.sharing,
    confinement: { level: parts.confinement.level, detail: parts.confinement.detail },
  };
}

/** Passes reports on and keeps the last warnings. */
export function keepTroubles(report: ReportProgress): {
  readonly troubles: readonly Trouble[];
  readonly report: ReportProgress;
} {
  const troubles: Trouble[] = [];
  return {
    troubles,
    report(progress: Progress) {
      report(progress);
      if (progress.kind !== 'warning') return;
      const text = publicText(progress.text);
      // A service that cannot reach its source says so each time.
      const same = troubles.findIndex((one) => one.text === text);
      if (same >= 0) troubles.splice(same, 1);
      troubles.push({ at: new Date().toISOString(), text });
      if (troubles.length > KEPT) troubles.shift();
    },
  };
}
