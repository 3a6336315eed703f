import { DebshoalError } from '../errors.js';
import type { ByteRange, ByteRanges } from '../io/byte-ranges.js';
import { parseTorrent } from '../torrent/metainfo.js';
import { addressFilter, subscriberOf } from './addresses.js';
import { startChild, type SwarmChild } from './child-process.js';
import type {
  Activity,
  ChildOptions,
  DownloadRequest,
  FromChild,
  Offer,
  OfferedContent,
  SeedRequest,
  ToChild,
  TorrentEvent,
  Upload,
  UploadAllowance,
  UploadReach,
} from './messages.js';

export type { Offer, OfferedContent, TorrentEvent, Upload, UploadAllowance } from './messages.js';

export interface SwarmOptions {
  /** Address to listen on; default `::`, all of them. */
  readonly host?: string;
  /** TCP port to listen on; 0 (default) is a random one. */
  readonly port?: number;
  /** Without it nothing is uploaded, and with `lan` only the own networks may call. */
  readonly upload: boolean;
  /** Whom is uploaded to; default `internet`. */
  readonly reach?: UploadReach;
  /** The secret of the own group, for `reach: 'group'`. */
  readonly groupKey?: Uint8Array;
  /** Looks for peers on the own private networks (BEP 14); default false. */
  readonly lan?: boolean;
  /** What may be uploaded at first; default everything that `reach` allows. */
  readonly allowance?: UploadAllowance;
  readonly uploadBytesPerSecond?: number;
  readonly downloadBytesPerSecond?: number;
  /** Connections in all; default 100. */
  readonly maxConnections?: number;
  /** Addresses, subnets (`192.0.2.0/24`) and ranges (`a-b`) to stay away from. */
  readonly blocklist?: readonly string[];
  /** Brings what was offered when somebody asks for it; null when it is gone. */
  readonly loadOffer?: (infoHash: string) => Promise<OfferedContent | null>;
  readonly onWarning?: (text: string) => void;
  /** An address that has sent wrong data; no torrent talks to it any more. */
  readonly onBanned?: (address: string) => void;
}

/** A torrent that is being downloaded. */
export interface SwarmDownload {
  /** Replaces what is wanted of file `file`: an empty list when HTTP has delivered it. */
  readonly want: (file: number, missing: ByteRanges) => void;
  /** Says that others have written these bytes into file `file`: they are checked and offered. */
  readonly held: (file: number, range: ByteRange) => void;
  /**
   * Resolves when the swarm will never write into file `file` again: only then may it be verified
   * and used. It is still uploaded until `stop`. Also resolves when the process has ended.
   */
  readonly release: (file: number) => Promise<void>;
  readonly stop: () => void;
}

export interface Swarm {
  readonly port: number;
  /** Whether anything may be uploaded. */
  readonly uploads: boolean;
  /** Of the process that holds the swarm; null while that is being restarted, and after its end. */
  readonly pid: () => number | null;
  /**
   * Joins a torrent for some of its files. What is verified is written into the given files and
   * reported; `failed` comes at most once and is the last event. A torrent can be downloaded only
   * once at a time; its seed rests meanwhile. Fails with `torrent-malformed`.
   */
  readonly download: (
    request: DownloadRequest,
    onEvent: (event: TorrentEvent) => void,
  ) => SwarmDownload;
  /**
   * Verifies files on disk and uploads them, of a torrent of several also some alone. Fails with
   * `swarm-failed` when they differ, or no whole piece lies in them.
   */
  readonly seed: (request: SeedRequest) => Promise<void>;
  readonly stopSeeding: (infoHash: string) => void;
  /**
   * Announces torrents that are loaded (`loadOffer`) and uploaded when somebody asks for them; there
   * may be 50,000. The first ones are announced first.
   */
  readonly offer: (offers: readonly Offer[]) => void;
  readonly withdraw: (infoHashes: readonly string[]) => void;
  readonly activity: () => Activity;
  /** Changes what may be uploaded from now on. */
  readonly allowUploads: (allowance: UploadAllowance) => void;
  /** Calls `listener` about each second in which something was uploaded; returns how to end that. */
  readonly onUpload: (listener: (upload: Upload) => void) => () => void;
  /** False for a torrent that failed, or was lost with the process. */
  readonly isActive: (infoHash: string) => boolean;
  /** Ends the process, in a second at most. Never fails, and may be called twice. */
  readonly close: () => Promise<void>;
}

/** A child that lived for so long has earned another restart. */
const HEALTHY = 60_000;

interface Task {
  /** Called when the child has let go of a file, or is dead. */
  readonly releases: Map<number, () => void>;
  /** What a restarted child is told. */
  message: Extract<ToChild, { kind: 'download' | 'seed' }>;
  readonly onEvent: (event: TorrentEvent) => void;
}

/**
 * Starts a process with a BitTorrent client. When it dies it is restarted once with everything it
 * was doing; when it dies again soon, all torrents get `failed`. Fails with `swarm-failed`
 * (the port is taken) or `config-invalid` (the blocklist).
 */
export async function startSwarm(options: SwarmOptions): Promise<Swarm> {
  addressFilter(options.blocklist ?? []);
  const childOptions = withDefaults(options);
  const banned = new Set<string>();
  const tasks = new Map<string, Task>();
  /** Of torrents that are being downloaded now. */
  const waitingSeeds = new Map<string, Task>();
  /** Left before the child had let go of all the files that it was told to. */
  const leaving = new Set<Task>();
  const uploadListeners = new Set<(upload: Upload) => void>();
  const offers = new Map<string, Offer>();
  let activity: Activity = { torrents: 0, peers: 0 };
  let allowance = options.allowance ?? null;
  let closed = false;
  let child: SwarmChild | null = null;
  let restarting: Promise<void> | null = null;
  let startedAt = Date.now();
  let restarts = 0;

  const onMessage = (message: FromChild): void => {
    if (message.kind === 'warning') options.onWarning?.(message.text);
    if (message.kind === 'activity') activity = message;
    if (message.kind === 'asked') void answerAsked(message.infoHash);
    if (message.kind === 'uploaded') {
      allowance = reduced(allowance, message);
      for (const listener of uploadListeners) listener(message);
    }
    if (message.kind !== 'torrent') return;
    if (message.event.kind === 'banned') {
      banned.add(subscriberOf(message.event.address));
      options.onBanned?.(message.event.address);
    }
    const task = tasks.get(message.infoHash);
    if (message.event.kind === 'released') released(message.infoHash, message.event.file);
    if (message.event.kind === 'failed') {
      tasks.delete(message.infoHash);
      if (task !== undefined) releaseAll(task);
    }
    task?.onEvent(message.event);
    if (message.event.kind === 'failed') resumeSeed(message.infoHash);
  };
  const released = (infoHash: string, file: number): void => {
    // The child answers in order, and they were told first.
    const task = [...leaving, ...tasks.values()].find(
      ({ message, releases }) => message.infoHash === infoHash && releases.has(file),
    );
    task?.releases.get(file)?.();
    task?.releases.delete(file);
    if (task?.releases.size === 0) leaving.delete(task);
  };
  const releaseLeaving = (): void => {
    for (const task of leaving) releaseAll(task);
    leaving.clear();
  };
  const answerAsked = async (infoHash: string): Promise<void> => {
    const content = await options.loadOffer?.(infoHash).catch((error: unknown) => {
      options.onWarning?.(String(error));
      return null;
    });
    child?.send({ kind: 'load', infoHash, content: content ?? null });
  };
  const failAll = (message: string): void => {
    const failed = [...tasks.values(), ...waitingSeeds.values()];
    tasks.clear();
    waitingSeeds.clear();
    for (const task of failed) {
      releaseAll(task);
      task.onEvent({ kind: 'failed', message });
    }
  };
  const onDeath = (reason: string): void => {
    child = null;
    activity = { torrents: 0, peers: 0 };
    if (closed) return;
    // The dead write nothing.
    for (const task of tasks.values()) releaseAll(task);
    releaseLeaving();
    options.onWarning?.(reason);
    if (Date.now() - startedAt > HEALTHY) restarts = 0;
    if (restarts++ > 0) failAll(reason);
    else restarting = restart();
  };
  const restart = async (): Promise<void> => {
    startedAt = Date.now();
    try {
      // The same port again: trackers have told it to others.
      const blocklist = [...childOptions.blocklist, ...banned];
      child = await startChild({ ...childOptions, blocklist, port }, { onMessage, onDeath });
      if (allowance !== null) child.send({ kind: 'allow', allowance });
      for (const task of tasks.values()) child.send(task.message);
      if (offers.size > 0) child.send({ kind: 'offer', offers: [...offers.values()] });
    } catch (error) {
      failAll(String(error));
    }
    restarting = null;
  };
  const revive = (): void => {
    if (child !== null || restarting !== null || closed) return;
    if (Date.now() - startedAt > HEALTHY) restarting = restart();
  };
  const begin = (task: Task): void => {
    const { infoHash } = task.message;
    const other = tasks.get(infoHash);
    const seed = [task, other].find((either) => either?.message.kind === 'seed');
    if (other !== undefined && (seed === undefined || waitingSeeds.has(infoHash))) {
      throw new DebshoalError('swarm-failed', `torrent ${infoHash} is in use already`);
    }
    if (other !== undefined && seed !== undefined) {
      // WebTorrent has a torrent once; the download goes first and uploads what it gets.
      waitingSeeds.set(infoHash, seed);
      if (seed === task) return;
    }
    tasks.set(infoHash, task);
    revive();
    if (child !== null) {
      child.send(task.message);
    } else if (restarting === null) {
      queueMicrotask(() => {
        tasks.delete(infoHash);
        task.onEvent({ kind: 'failed', message: 'the swarm is down' });
      });
    }
  };
  const end = (infoHash: string): void => {
    const task = tasks.get(infoHash);
    if (task !== undefined && task.releases.size > 0) leaving.add(task);
    if (tasks.delete(infoHash)) child?.send({ kind: 'stop', infoHash });
    resumeSeed(infoHash);
  };
  const resumeSeed = (infoHash: string): void => {
    const seed = waitingSeeds.get(infoHash);
    if (seed === undefined) return;
    waitingSeeds.delete(infoHash);
    begin(seed);
  };

  child = await startChild(childOptions, { onMessage, onDeath });
  if (allowance !== null) child.send({ kind: 'allow', allowance });
  const port = child.port;
  return {
    port,
    uploads: options.upload,
    pid: () => child?.pid ?? null,
    download: (request, onEvent) => {
      const { infoHash } = parseTorrent(request.torrent);
      const task: Task = {
        message: { kind: 'download', infoHash, ...request },
        onEvent,
        releases: new Map(),
      };
      begin(task);
      return {
        want: (file, missing) => {
          if (tasks.get(infoHash) !== task) return;
          task.message = withWanted(task.message, file, missing);
          child?.send({ kind: 'want', infoHash, file, missing });
        },
        held: (file, range) => {
          if (tasks.get(infoHash) !== task || !options.upload) return;
          child?.send({ kind: 'held', infoHash, file, range });
        },
        release: (file) => {
          task.message = withoutFile(task.message, file);
          if (tasks.get(infoHash) !== task || child === null) return Promise.resolve();
          child.send({ kind: 'release', infoHash, file });
          return new Promise((resolve) => {
            task.releases.set(file, resolve);
          });
        },
        stop: () => {
          if (tasks.get(infoHash) === task) end(infoHash);
        },
      };
    },
    seed: async (request) => {
      if (!childOptions.upload) throw new DebshoalError('usage', 'seeding without upload');
      const { infoHash } = parseTorrent(request.torrent);
      await new Promise<void>((resolve, reject) => {
        begin({
          message: { kind: 'seed', infoHash, ...request },
          releases: new Map(),
          onEvent: (event) => {
            if (event.kind === 'seeding') resolve();
            if (event.kind === 'failed') reject(new DebshoalError('swarm-failed', event.message));
          },
        });
      });
    },
    stopSeeding: (infoHash) => {
      const waiting = waitingSeeds.get(infoHash);
      const task = waiting ?? tasks.get(infoHash);
      if (task?.message.kind !== 'seed') return;
      if (waiting === undefined) end(infoHash);
      else waitingSeeds.delete(infoHash);
      task.onEvent({ kind: 'failed', message: 'stopped' });
    },
    offer: (added) => {
      revive();
      for (const offer of added) offers.set(offer.infoHash, offer);
      child?.send({ kind: 'offer', offers: added });
    },
    withdraw: (infoHashes) => {
      for (const infoHash of infoHashes) offers.delete(infoHash);
      child?.send({ kind: 'withdraw', infoHashes });
    },
    activity: () => activity,
    allowUploads: (next) => {
      allowance = next;
      child?.send({ kind: 'allow', allowance });
    },
    onUpload: (listener) => {
      uploadListeners.add(listener);
      return () => {
        uploadListeners.delete(listener);
      };
    },
    isActive: (infoHash) => tasks.has(infoHash) || waitingSeeds.has(infoHash),
    close: async () => {
      closed = true;
      await restarting;
      await child?.close();
      child = null;
      releaseLeaving();
      failAll('the swarm was closed');
    },
  };
}

function withDefaults(options: SwarmOptions): ChildOptions {
  return {
    host: options.host ?? '::',
    port: options.port ?? 0,
    upload: options.upload,
    reach: options.reach ?? 'internet',
    groupKey: options.groupKey ?? null,
    lan: options.lan ?? false,
    uploadBytesPerSecond: options.uploadBytesPerSecond ?? -1,
    downloadBytesPerSecond: options.downloadBytesPerSecond ?? -1,
    maxConnections: options.maxConnections ?? 100,
    blocklist: options.blocklist ?? [],
  };
}

function withWanted(message: Task['message'], file: number, missing: ByteRanges): Task['message'] {
  if (message.kind !== 'download') return message;
  const files = message.files.map((wanted) =>
    wanted.index === file ? { ...wanted, missing } : wanted,
  );
  return { ...message, files };
}

function withoutFile(message: Task['message'], file: number): Task['message'] {
  if (message.kind !== 'download') return message;
  return { ...message, files: message.files.filter(({ index }) => index !== file) };
}

function reduced(allowance: UploadAllowance | null, { beyond }: Upload): UploadAllowance | null {
  if (allowance === null || allowance.beyondBytes === null) return allowance;
  return { ...allowance, beyondBytes: allowance.beyondBytes - beyond };
}

function releaseAll(task: Task): void {
  for (const resolve of task.releases.values()) resolve();
  task.releases.clear();
}
