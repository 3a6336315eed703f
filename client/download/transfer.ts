import { DebshoalError, withCode } from '../../shared/errors.js';
import type { ByteRange, ByteRanges } from '../../shared/io/byte-ranges.js';
import type { Sha256 } from '../../shared/io/hash.js';
import type { MirrorUrl } from './mirrors.js';
import type { PartFile } from './part-file.js';

/** An object to download, known by hash and size from the signed index. */
export interface DownloadObject {
  readonly id: string;
  readonly sha256: Sha256;
  /** Bytes. */
  readonly size: number;
  /** HTTP addresses, tried in order; may be empty. */
  readonly urls: readonly string[];
  readonly torrent: ObjectTorrent | null;
  /** Where the finished object goes; replaced when it exists. */
  readonly target: string;
}

/** The torrent that holds an object. */
interface ObjectTorrent {
  /** Its bytes, or their arrival, for which HTTP does not wait; null when they cannot be had. */
  readonly torrent: Uint8Array | Promise<Uint8Array | null>;
  /** The object's path in it; null for the only file of a single-file torrent. */
  readonly filePath: string | null;
  /** Instead of those that the torrent names: its info hash does not cover them. */
  readonly trackers?: readonly string[];
  /** Only peers of the own networks get something of it meanwhile. */
  readonly localOnly?: boolean;
}

export type DownloadResult =
  | {
      readonly id: string;
      readonly ok: true;
      readonly path: string;
      /** Bytes that peers, and HTTP, were the first to deliver in this run. */
      readonly peerBytes: number;
      /** Of `peerBytes`, from peers on the own networks. */
      readonly localBytes: number;
      readonly httpBytes: number;
      readonly seconds: number;
    }
  | { readonly id: string; readonly ok: false; readonly error: DebshoalError };

/** What can still deliver an object. */
type Source = 'waiting' | 'working' | 'gone';

/** What connected peers have of an object, and what of the rest falls to this client. */
interface ObjectSupply {
  readonly peers: number;
  readonly offered: ByteRanges;
  readonly ours: ByteRanges;
}

/** One object while it is downloaded from both sides. */
export interface Transfer {
  readonly object: DownloadObject;
  readonly part: PartFile;
  readonly startedAt: number;
  /** Aborted when the object is complete or given up: HTTP stops. */
  readonly stop: AbortController;
  http: Source;
  peers: Source;
  readonly urls: readonly MirrorUrl[];
  /** Null until the torrent is joined. */
  supply: ObjectSupply | null;
  /** Offset from which peers go up; HTTP goes down from it, so they meet only once. */
  pivot: number;
  /** What HTTP fetches at the moment and peers need not. */
  claimed: ByteRange | null;
  httpBytes: number;
  peerBytes: number;
  /** From 0 to 1, of what peers have sent of the torrent. */
  localPart: number;
  /** Of the last request that failed. */
  httpError: unknown;
  /** Of the source that was lost last. */
  lastError: DebshoalError | null;
  /** Resolves when HTTP writes no more. */
  httpIdle: Promise<void>;
  /** Set by the swarm side while peers may write into the part file. */
  leaveSwarm: (() => Promise<void>) | null;
  /** Tells the swarm side what HTTP has written. */
  tellHeld: (range: ByteRange) => void;
  /** Tells the HTTP side that it is no longer alone at this object. */
  peersCame: () => void;
  /** Tells the HTTP side that there may be something else to do. */
  changed: () => void;
  /** Tells the swarm side that other ranges are wanted. */
  wantsChanged: () => void;
  /** Resolves when every byte is there, or nothing can deliver the rest. */
  readonly done: Promise<void>;
  readonly settle: () => void;
}

export function startTransfer(object: DownloadObject, part: PartFile): Transfer {
  let settle = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return {
    object,
    part,
    startedAt: performance.now(),
    stop: new AbortController(),
    http: object.urls.length > 0 ? 'waiting' : 'gone',
    peers: object.torrent === null ? 'gone' : 'waiting',
    urls: object.urls.map((url) => ({ url, failures: 0, isUseless: false })),
    supply: null,
    pivot: object.size,
    claimed: null,
    httpBytes: 0,
    peerBytes: 0,
    localPart: 0,
    httpError: null,
    lastError: null,
    httpIdle: Promise.resolve(),
    leaveSwarm: null,
    tellHeld: () => undefined,
    peersCame: () => undefined,
    changed: () => undefined,
    wantsChanged: () => undefined,
    done,
    settle,
  };
}

/** To be called whenever bytes have come or a source was lost. */
export function update(transfer: Transfer): void {
  const hopeless = transfer.http === 'gone' && transfer.peers === 'gone';
  if (hopeless || transfer.part.complete()) transfer.settle();
}

/** Notes that a source can deliver no more of an object. */
export function loseSource(transfer: Transfer, source: 'http' | 'peers', error: unknown): void {
  transfer[source] = 'gone';
  transfer.lastError = asDebshoalError(error, source === 'http' ? 'http-failed' : 'swarm-failed');
  update(transfer);
  transfer.changed();
}

/** Gives what was thrown a code; bugs are passed on. */
export function asDebshoalError(
  error: unknown,
  code: 'http-failed' | 'swarm-failed' | 'io-failed',
): DebshoalError {
  const coded = withCode(error);
  if (coded instanceof DebshoalError) return coded;
  return new DebshoalError(code, String(error), { cause: error });
}
