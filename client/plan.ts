import { freemem } from 'node:os';

import type { ReportProgress } from '../shared/progress.js';
import type { AptSystem } from './apt/apt-system.js';
import { findHandedOver } from './apt/hand-over.js';
import { pendingUpgrades, type UpgradeRequest } from './apt/pending-upgrades.js';
import type { IndexSource } from './config/index-sources.js';
import type { HttpClient } from './download/http.js';
import { chooseRoutes, type Route } from './steps/choose-route.js';
import { fetchIndexes } from './steps/fetch-indexes.js';
import type { TrustedCounters } from './store/trusted-counters.js';

export interface PlanOptions {
  readonly system: AptSystem;
  readonly request: UpgradeRequest;
  readonly sources: readonly IndexSource[];
  readonly http: HttpClient;
  readonly counters: TrustedCounters;
  readonly now: Date;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/** Asks apt what is pending and chooses a route for each package. Downloads the indexes only. */
export async function plan(options: PlanOptions): Promise<Route[]> {
  const { system, request, sources, http, counters, now, signal, report } = options;
  const { architecture } = system;
  // Both take their time, and neither needs the other.
  const [pending, indexes] = await Promise.all([
    pendingUpgrades(system, request, report),
    fetchIndexes(sources, { http, counters, architecture, now, signal, report }),
  ]);
  const handedOver = await findHandedOver(system, pending);
  return chooseRoutes(pending, indexes, handedOver, freemem() / 2);
}
