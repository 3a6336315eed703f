import { join } from 'node:path';

import { isDebshoalError } from '../../shared/errors.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { SwarmOptions } from '../../shared/swarm/swarm.js';
import { aptProxy } from '../apt/apt-proxies.js';
import type { AptSystem } from '../apt/apt-system.js';
import type { ConditionsWatch } from '../conditions/conditions.js';
import { findConfinement, type Confinement } from '../confinement/find-confinement.js';
import type { Settings } from '../config/settings.js';
import { openSharing } from '../sharing/sharing.js';
import type { ActiveRoute } from '../steps/choose-route.js';
import { openBannedPeers } from '../store/banned-peers.js';
import { openSpeedStore } from '../store/speeds.js';
import type { AnswerParts } from './answer.js';
import { proofOnce } from './encoders.js';
import { fetchIntoStore } from './fetch-into-store.js';
import { openForeground } from './foreground.js';
import { openKnowledge, type Known } from './knowledge.js';
import { prefetch, type PrefetchOptions } from './prefetch.js';
import type { ReadyFile } from './ready-file.js';
import { openReadyStore } from './ready-store.js';
import { repeat } from './repeat.js';
import { openSavings } from './savings.js';
import { openSourceIndexes } from './source-indexes.js';
import { describeStatus, type Trouble } from './status.js';
import { keepSwarm, type SwarmKeeper } from './swarm-keeper.js';
import { openWorks } from './works.js';

/** The settings, and what is read because of them: all that a person can have written wrongly. */
export interface EngineSettings {
  readonly settings: Settings;
  readonly swarm: SwarmOptions;
}

export interface EngineOptions {
  readonly system: AptSystem;
  readonly ready: ReadyFile;
  /** Must survive. */
  readonly stateFolder: string;
  /** Only ours, and nobody else's at the moment; may be lost. */
  readonly cacheFolder: string;
  /** Peers known beforehand, `address:port`. */
  readonly peers: readonly string[];
  /** What of link and power speaks against traffic in the background. */
  readonly conditions: ConditionsWatch;
  readonly version: string;
  readonly since: Date;
  readonly troubles: readonly Trouble[];
  readonly report: ReportProgress;
  readonly onBug: (error: unknown) => void;
}

/** What answers requests and brings what is pending, under settings that do not change. */
export interface Engine {
  readonly parts: AnswerParts;
  /** Looks around for the first time, and then whenever asked and every few hours. */
  begin(): Promise<void>;
  /** Interrupts what is under way, and saves what was learnt. */
  close(): Promise<void>;
}

export async function openEngine(
  { settings, swarm }: EngineSettings,
  options: EngineOptions,
): Promise<Engine> {
  const { system, ready, stateFolder, cacheFolder, conditions, report, onBug } = options;
  const end = new AbortController();
  const { signal } = end;
  const onWarning = (text: string): void => {
    report({ kind: 'warning', text });
  };

  const store = await openReadyStore(join(cacheFolder, 'ready'), settings.cacheBytes);
  const speedStore = await openSpeedStore(stateFolder, 'read-write');
  const savings = await openSavings(stateFolder);
  const works = openWorks();
  const hasSwarm = settings.peers || settings.share !== 'nobody';
  const bans = await openBannedPeers(stateFolder, () => new Date());
  const swarmOptions = {
    ...swarm,
    blocklist: [...settings.blocklist, ...bans.addresses],
    onBanned: (address: string) => void bans.add(address),
    onWarning,
  };
  // Begun last: nothing that fails may leave its process behind.
  let keeper: SwarmKeeper | null = null;
  const confinement = await findConfinement();
  const obstacle = fetchObstacle(settings, confinement);
  if (settings.fetch && obstacle !== null) onWarning(`no deltas: ${obstacle}`);
  else if (settings.fetch && confinement.level !== 'sandbox') {
    onWarning(`deltas are applied without a sandbox: ${confinement.detail}`);
  }
  const fetchIndexes = await openSourceIndexes({ ...options, signal, speeds: speedStore });
  const sharing = await openSharing({
    settings,
    swarm: () => keeper?.swarm ?? null,
    stateFolder,
    root: system.root,
    budget: () => Math.max(0, settings.cacheBytes - store.bytes),
    conditions,
    now: () => new Date(),
    onWarning,
  });
  const knowledge = openKnowledge({ system, fetchIndexes, report });
  const encodersProven = proofOnce(stateFolder, speedStore, report);
  const speeds = () => speedStore.speeds;
  const shared = { store, works, knowledge, speeds, encodersProven };

  const fetchAs = (priority: 'low' | 'normal') => (routes: readonly ActiveRoute[]) =>
    fetchIntoStore(routes, {
      root: system.root,
      findProxy: aptProxy(system),
      folder: cacheFolder,
      ...shared,
      speeds: speedStore,
      savings,
      swarm: () => (settings.peers ? (keeper?.swarm ?? null) : null),
      sharing: settings.share === 'nobody' ? null : sharing,
      peers: options.peers,
      confinement,
      priority,
      signal,
      report,
      onBug,
    });
  const foreground = openForeground({
    ...shared,
    prefer: () => (settings.prefer === 'auto' && conditions.metered ? 'bytes' : settings.prefer),
    patienceSeconds: settings.patienceSeconds,
    fetch: fetchAs('normal'),
    onBug,
  });
  const prefetchObstacle = (): string | null => {
    if (obstacle !== null) return obstacle;
    if (!settings.prefetch) return 'it is switched off';
    if (conditions.metered && !settings.onMetered) return 'the link is metered';
    return conditions.battery && !settings.onBattery ? 'the machine runs on battery' : null;
  };
  const prefetchOptions: PrefetchOptions = {
    ...shared,
    system,
    maxBytes: settings.cacheBytes,
    obstacle: prefetchObstacle,
    fetch: fetchAs('low'),
    signal,
    report,
  };
  // What hangs there must not keep indexes from being fetched.
  const prefetching = repeat(signal, () => prefetch(prefetchOptions), onBug, null);
  const lookAround = async (): Promise<ReadonlySet<string>> => {
    await knowledge.refresh();
    prefetching.now();
    // What was given since; this process may end otherwise than by closing.
    await savings.save().catch(onBug);
    const reachable = (await knownIfAny())?.reachable ?? [];
    return new Set(obstacle === null ? [...reachable, ...store.names] : []);
  };
  /** Null when apt cannot say what it has: a mistake in its sources, which a refresh reports. */
  const knownIfAny = async (): Promise<Known | null> => {
    try {
      return await knowledge.get();
    } catch (error) {
      if (isDebshoalError(error)) return null;
      throw error;
    }
  };
  const background = repeat(signal, () => ready.settle(lookAround), onBug);
  keeper = hasSwarm ? keepSwarm(swarmOptions, report) : null;
  // At first it may upload nothing.
  keeper?.onStart(() => void sharing.refresh());
  return {
    parts: {
      obstacle,
      foreground,
      store,
      savings,
      status: async () =>
        describeStatus({
          ...shared,
          version: options.version,
          since: options.since,
          indexes: (await knownIfAny())?.indexes ?? [],
          maxBytes: settings.cacheBytes,
          savings,
          port: keeper?.swarm?.port ?? null,
          obstacle,
          prefetchObstacle: prefetchObstacle(),
          troubles: options.troubles,
          sharing: sharing.status(),
          confinement,
        }),
      startPrefetch: async () => {
        // The indexes are wanted in any case: apt may ask right after its update.
        await ready.doubt();
        background.now();
        return prefetchObstacle();
      },
    },
    begin: async () => {
      // Before it looks whether there are deltas: what it finds then counts.
      await ready.doubt();
      // First of all it fetches indexes, for which early askers wait a little.
      background.now();
      await knownIfAny();
    },
    close: async () => {
      await ready.remove();
      end.abort();
      await sharing.close();
      await Promise.all([background.end(), prefetching.end(), keeper?.close()]);
      await Promise.allSettled(works.all.map(({ done }) => done));
      await Promise.all([savings.save(), speedStore.save()]);
    },
  };
}

/**
 * Why every package comes from the mirror; null: it need not. A service reads what strangers made day
 * and night, unseen: where nothing can keep it from the rest of the machine, it does not.
 */
function fetchObstacle({ fetch, sandbox }: Settings, { level, detail }: Confinement) {
  if (!fetch) return 'fetching is switched off';
  return level === 'sandbox' || sandbox === 'preferred' ? null : detail;
}
