import { once } from 'node:events';
import { join } from 'node:path';

import { removeStaleTemporaries } from '../../shared/io/files.js';
import type { ReportProgress } from '../../shared/progress.js';
import { aptProxy } from '../apt/apt-proxies.js';
import type { AptSystem } from '../apt/apt-system.js';
import type { ConditionsWatch } from '../conditions/conditions.js';
import { findConfinement } from '../confinement/find-confinement.js';
import type { Settings } from '../config/settings.js';
import { openSharing } from '../sharing/sharing.js';
import { sharingSwarmOptions } from '../sharing/swarm-options.js';
import type { ActiveRoute } from '../steps/choose-route.js';
import { openBannedPeers } from '../store/banned-peers.js';
import { openSpeedStore } from '../store/speeds.js';
import { answerRequest, type AnswerParts } from './answer.js';
import { proofOnce } from './encoders.js';
import { fetchIntoStore } from './fetch-into-store.js';
import { openForeground } from './foreground.js';
import { openKnowledge } from './knowledge.js';
import { prefetch, type PrefetchOptions } from './prefetch.js';
import { openReadyFile } from './ready-file.js';
import { openReadyStore } from './ready-store.js';
import { openSavings } from './savings.js';
import { openServiceSocket } from './socket.js';
import { openSourceIndexes } from './source-indexes.js';
import { describeStatus, keepTroubles } from './status.js';
import { keepSwarm } from './swarm-keeper.js';
import { repeat } from './repeat.js';
import { openWorks } from './works.js';

export interface ServiceOptions {
  readonly system: AptSystem;
  readonly settings: Settings;
  /** Where to listen, or an inherited descriptor. */
  readonly socket: string | number;
  /** Made while asking may be worth it, for whoever does not want to ask in vain; null for none. */
  readonly readyFile: string | null;
  /** Must survive. */
  readonly stateFolder: string;
  /** Only ours, and nobody else's at the moment; may be lost. */
  readonly cacheFolder: string;
  /** Peers known beforehand, `address:port`. */
  readonly peers: readonly string[];
  /** What of link and power speaks against traffic in the background. */
  readonly conditions: ConditionsWatch;
  readonly version: string;
  /** Ends the service. */
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/**
 * Answers requests (PROTOCOL.md) and brings what is pending in the background, until the signal.
 * Nothing that goes wrong with packages, sources or peers ends it. Fails when it cannot begin.
 */
export async function runService(options: ServiceOptions): Promise<void> {
  const { system, settings, stateFolder, cacheFolder, conditions, signal } = options;
  const since = new Date();
  const { troubles, report } = keepTroubles(options.report);
  const onWarning = (text: string): void => {
    report({ kind: 'warning', text });
  };
  const onBug = (error: unknown): void => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    onWarning(text);
  };

  // What a killed one has left.
  const ready = openReadyFile(options.readyFile);
  await ready.remove();
  await removeStaleTemporaries(cacheFolder);
  const store = await openReadyStore(join(cacheFolder, 'ready'), settings.cacheBytes);
  const speedStore = await openSpeedStore(stateFolder, 'read-write');
  const savings = await openSavings(stateFolder);
  const works = openWorks();
  const hasSwarm = settings.peers || settings.share !== 'nobody';
  const bans = await openBannedPeers(stateFolder, () => new Date());
  const swarmOptions = {
    ...(await sharingSwarmOptions(settings)),
    blocklist: [...settings.blocklist, ...bans.addresses],
    onBanned: (address: string) => void bans.add(address),
    onWarning,
  };
  const keeper = hasSwarm ? keepSwarm(swarmOptions, report) : null;
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
  keeper?.onStart(() => void sharing.refresh());
  const confinement = await findConfinement();
  const fetchIndexes = await openSourceIndexes({ ...options, speeds: speedStore, report });
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
    if (!settings.fetch || !settings.prefetch) return 'it is switched off';
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
  const isWorthAsking = async (): Promise<boolean> => {
    const { indexes } = await knowledge.get();
    const packages = indexes.flatMap(({ index }) => index.packages);
    return settings.fetch && (store.count > 0 || packages.some(({ deltas }) => deltas.length > 0));
  };
  const lookAround = async (): Promise<boolean> => {
    await prefetch(prefetchOptions);
    return await isWorthAsking();
  };
  const background = repeat(signal, () => ready.settle(lookAround), onBug);
  const parts: AnswerParts = {
    foreground: settings.fetch ? foreground : null,
    store,
    savings,
    status: async () =>
      describeStatus({
        ...shared,
        version: options.version,
        since,
        indexes: (await knowledge.get()).indexes,
        maxBytes: settings.cacheBytes,
        savings,
        port: keeper?.swarm?.port ?? null,
        prefetchObstacle: prefetchObstacle(),
        troubles,
        sharing: sharing.status(),
        confinement,
      }),
    startPrefetch: async () => {
      // The indexes are wanted in any case: apt may ask right after its update.
      await ready.doubt();
      background.now();
      return prefetchObstacle();
    },
  };
  const socket = await openServiceSocket({
    at: options.socket,
    answer: (request, to) => answerRequest(request, parts, to),
    onBug,
  });
  try {
    // Before it looks whether there are deltas: what it finds then counts.
    await ready.doubt();
    // First of all it fetches indexes, for which early askers wait a little.
    background.now();
    await knowledge.get();
    report({ kind: 'note', text: 'ready' });
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await ready.remove();
    await socket.close();
    await sharing.close();
    await Promise.all([background.end(), keeper?.close()]);
    await Promise.allSettled(works.all.map(({ done }) => done));
    await Promise.all([savings.save(), speedStore.save()]);
  }
}
