import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { DebshoalError, isDebshoalError } from '../../shared/errors.js';
import type { Swarm } from '../../shared/swarm/swarm.js';
import { parseTorrent } from '../../shared/torrent/metainfo.js';
import { installedVersions, type InstalledVersions } from '../apt/installed-versions.js';
import type { Conditions } from '../conditions/conditions.js';
import type { Settings, ShareScope } from '../config/settings.js';
import { decide, type Decision, type LocalReason, type SharingPause } from './decide.js';
import { openLedger, type SharedTorrent } from './ledger.js';
import { startSeeds } from './seeds.js';
import { openShelf } from './shelf.js';
import { chooseExpired, filesOf } from './tidy.js';

/** What is offered to others: a delta or a .deb that was fetched and verified. */
export interface SharedObject {
  /** Sharing takes a link or a copy; the caller may remove its own. */
  readonly path: string;
  readonly torrent: Uint8Array;
  /** Path of the file inside a torrent of several; null for a torrent of one file. */
  readonly filePath: string | null;
  /** From the signed index; not used for what only the own networks get. */
  readonly trackers: readonly string[];
  /** Shared while exactly this version is installed: what leads to it, and its own .deb. */
  readonly package: string;
  readonly architecture: string;
  readonly version: string;
  /** For the limit per release, such as `bookworm-security`. */
  readonly suite: string;
}

export interface SharingStatus {
  readonly scope: ShareScope;
  readonly paused: SharingPause;
  readonly localOnly: LocalReason;
  /** Objects that are kept, and torrents that others can get now. */
  readonly objects: number;
  readonly seeding: number;
  readonly bytesOnDisk: number;
  /** `YYYY-MM`, UTC; bytes uploaded in it to all, by suite beyond the own networks. */
  readonly month: string;
  readonly uploadedBeyond: number;
  readonly uploadedLocally: number;
  readonly uploadedBySuite: Readonly<Record<string, number>>;
  /** Null: no limit. Of the month's bytes beyond the own networks what is left. */
  readonly monthlyLeft: number | null;
  readonly limits: Pick<
    Settings,
    'uploadBytesPerSecond' | 'uploadMonthlyBytes' | 'uploadPerReleaseBytes' | 'seedRatio'
  >;
  /** What is kept to be shared, newest first, `MAX_LISTED` at most. */
  readonly shared: readonly {
    readonly package: string;
    readonly version: string;
    readonly suite: string;
    readonly bytes: number;
    /** Of its torrent, which may hold others, uploaded beyond the own networks. */
    readonly uploadedBeyond: number;
  }[];
}

/** A status is for people, and bounded. */
const MAX_LISTED = 100;

export interface Sharing {
  /**
   * Call when a torrent is joined for a download: what is uploaded of it meanwhile counts for its
   * suite. Returns whether only the own networks may get it.
   */
  readonly downloading: (infoHash: string, suite: string) => boolean;
  /**
   * Call as soon as an object is verified: it is announced when its version is installed, and
   * withdrawn when that is not any more. Never fails: what cannot be shared is a warning.
   */
  readonly offer: (object: SharedObject) => Promise<void>;
  /** Looks at dpkg and conditions now; happens each minute anyway. */
  readonly refresh: () => Promise<void>;
  readonly status: () => SharingStatus;
  /** Ends all seeds and saves what was counted. The swarm stays open: it is the caller's. */
  readonly close: () => Promise<void>;
}

export interface SharingOptions {
  readonly settings: Settings;
  /** Null while there is none. Start it with `sharingSwarmOptions`. */
  readonly swarm: () => Swarm | null;
  /** What was counted is remembered here, in `sharing.json`, and what is shared lies in `shared/`. */
  readonly stateFolder: string;
  /** Where dpkg's database is looked for, `/` in real life. */
  readonly root: string;
  /** Bytes that may lie on disk for sharing; asked before something is added. */
  readonly budget: () => number;
  readonly conditions: Conditions & { readonly onChange?: (listener: () => void) => () => void };
  readonly now: () => Date;
  readonly onWarning: (text: string) => void;
}

const REFRESH = 60_000;

/** Shares what this machine has fetched, within the settings and as long as nothing speaks against it. */
export async function openSharing(options: SharingOptions): Promise<Sharing> {
  const { settings, conditions, now, onWarning } = options;
  const ledger = await openLedger(options.stateFolder, now);
  const shelf = await openShelf(
    join(options.stateFolder, 'shared'),
    new Set(ledger.torrents.keys()),
  );
  const seeds = startSeeds(shelf, onSeedFailed);
  const installed = installedWatch(options.root);
  let watched: { swarm: Swarm; end: () => void } | null = null;
  let last = judge();

  function judge(): Decision {
    return decide(settings, conditions, ledger.sums(), now());
  }

  const watch = (swarm: Swarm | null): void => {
    if (watched?.swarm === swarm) return;
    watched?.end();
    watched = null;
    if (swarm === null) return;
    const end = swarm.onUpload((upload) => {
      ledger.count(upload);
      const torrent = ledger.torrents.get(upload.infoHash);
      const next = judge();
      const over = torrent !== undefined && next.localOnly(torrent) !== last.localOnly(torrent);
      if (over || next.local !== last.local) void sharing.refresh();
    });
    watched = { swarm, end };
  };

  const remove = async (infoHash: string, index: string): Promise<void> => {
    const torrent = ledger.torrents.get(infoHash);
    if (torrent === undefined) return;
    torrent.files = Object.fromEntries(
      Object.entries(torrent.files).filter(([other]) => other !== index),
    );
    await shelf.removeFile(infoHash, index);
    if (Object.keys(torrent.files).length > 0) return;
    ledger.torrents.delete(infoHash);
    await shelf.removeTorrent(infoHash);
  };

  const tidy = async (): Promise<void> => {
    const versions = await installed(ledger.torrents.values());
    const expired = chooseExpired(ledger.torrents, {
      versions,
      budget: options.budget(),
      now: now().getTime(),
    });
    // First out of the swarm, then from the disk.
    if (expired.length > 0) seeds.stop(expired.map(({ infoHash }) => infoHash));
    for (const { infoHash, index } of expired) await remove(infoHash, index);
    if (expired.length > 0) await ledger.save();
  };

  const allow = (): void => {
    const swarm = options.swarm();
    watch(swarm);
    last = judge();
    swarm?.allowUploads(last.allowance);
  };

  const refresh = async (): Promise<void> => {
    await tidy();
    allow();
    seeds.follow(options.swarm(), last.paused === null ? ledger.torrents : new Map(), last);
  };

  function onSeedFailed(infoHash: string, error: unknown): void {
    const [file] = Object.values(ledger.torrents.get(infoHash)?.files ?? {});
    void inTurn(`${file?.package ?? 'a package'} is not shared`, async () => {
      // Lost or changed on disk; a swarm that is down is no reason to throw it away.
      if (isDebshoalError(error) && options.swarm()?.pid() != null) {
        for (const index of Object.keys(ledger.torrents.get(infoHash)?.files ?? {})) {
          await remove(infoHash, index);
        }
        await ledger.save();
      }
      throw error;
    });
  }

  const offer = async (object: SharedObject): Promise<void> => {
    if (settings.share === 'nobody') return;
    const info = parseTorrent(object.torrent);
    const at = info.files.findIndex(({ path }) => path === (object.filePath ?? info.name));
    const size = info.files[at]?.length;
    if (size === undefined || info.private) {
      throw new DebshoalError('swarm-failed', 'its torrent does not hold it, or is private');
    }
    if (size > options.budget()) return;
    const index = String(at);
    await shelf.put(info.infoHash, index, object);
    const known: SharedTorrent | undefined = ledger.torrents.get(info.infoHash);
    const { package: name, architecture, version } = object;
    const file = { package: name, architecture, version, size, installed: false };
    ledger.torrents.set(info.infoHash, {
      suite: object.suite,
      trackers: [...object.trackers],
      offeredAt: now().getTime(),
      beyond: known?.beyond ?? ledger.sentBefore(info.infoHash),
      files: { ...known?.files, [index]: file },
    });
    await ledger.save();
  };

  /** One at a time, in order; what goes wrong must not end the daemon. */
  let running = Promise.resolve();
  const inTurn = (what: string, action: () => Promise<void>): Promise<void> =>
    (running = running.then(action).catch((error: unknown) => {
      onWarning(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }));

  const sharing: Sharing = {
    downloading: (infoHash, suite) => {
      ledger.expect(infoHash, suite);
      const unknown: SharedTorrent = { suite, trackers: [], offeredAt: 0, beyond: 0, files: {} };
      return judge().localOnly(ledger.torrents.get(infoHash) ?? unknown);
    },
    offer: (object) =>
      inTurn(`${object.package} is not shared`, async () => {
        await offer(object);
        await refresh();
      }),
    refresh: () => {
      // What may be uploaded is settled at once, whatever the others in the queue wait for.
      allow();
      return inTurn('sharing', refresh);
    },
    status: () => {
      const { month, local, beyond, suites } = ledger.sums();
      const decision = judge();
      const monthly = settings.uploadMonthlyBytes;
      const files = [...ledger.torrents.values()].flatMap(filesOf);
      return {
        scope: settings.share,
        paused: decision.paused,
        localOnly: decision.local,
        objects: files.length,
        seeding: seeds.count(),
        bytesOnDisk: files.reduce((sum, { size }) => sum + size, 0),
        month,
        uploadedBeyond: beyond,
        uploadedLocally: local,
        uploadedBySuite: suites,
        monthlyLeft: monthly === null ? null : Math.max(0, monthly - beyond),
        limits: {
          uploadBytesPerSecond: settings.uploadBytesPerSecond,
          uploadMonthlyBytes: monthly,
          uploadPerReleaseBytes: settings.uploadPerReleaseBytes,
          seedRatio: settings.seedRatio,
        },
        shared: listShared(ledger.torrents.values()),
      };
    },
    close: async () => {
      clearInterval(timer);
      unsubscribe?.();
      await inTurn('sharing', async () => {
        seeds.follow(options.swarm(), new Map(), last);
        watched?.end();
        await ledger.save();
      });
    },
  };
  const unsubscribe = conditions.onChange?.(() => void sharing.refresh());
  const timer = setInterval(() => void sharing.refresh(), REFRESH);
  timer.unref();
  await sharing.refresh();
  return sharing;
}

function listShared(torrents: Iterable<SharedTorrent>): SharingStatus['shared'] {
  return [...torrents]
    .sort((a, b) => b.offeredAt - a.offeredAt)
    .flatMap((torrent) =>
      filesOf(torrent).map(({ package: name, version, size: bytes }) => {
        const { suite, beyond: uploadedBeyond } = torrent;
        return { package: name, version, suite, bytes, uploadedBeyond };
      }),
    )
    .slice(0, MAX_LISTED);
}

/** dpkg's database is read again only when it has changed. */
function installedWatch(
  root: string,
): (torrents: Iterable<SharedTorrent>) => Promise<InstalledVersions> {
  let seen = '';
  let versions: InstalledVersions = new Map();
  return async (torrents) => {
    const names = new Set([...torrents].flatMap(filesOf).map((file) => file.package));
    const status = await stat(join(root, 'var/lib/dpkg/status')).catch(() => null);
    const state = [status?.mtimeMs, status?.ino, ...[...names].sort()].join(' ');
    if (state !== seen) versions = await installedVersions(root, names);
    seen = state;
    return versions;
  };
}
