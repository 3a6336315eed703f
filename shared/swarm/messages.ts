import type { ByteRange, ByteRanges } from '../io/byte-ranges.js';
import type { Supply } from './supply.js';

/**
 * Whom is uploaded to: those on the own private networks, members of the own group too (both know a
 * secret), or everybody.
 */
export type UploadReach = 'lan' | 'group' | 'internet';

/** What may be uploaded from now on. */
export interface UploadAllowance {
  /** To peers on the own networks. */
  readonly local: boolean;
  /** Bytes to all others; null is unlimited. */
  readonly beyondBytes: number | null;
}

/** How the child runs; what the user configures, with defaults applied. */
export interface ChildOptions {
  readonly host: string;
  readonly port: number;
  readonly upload: boolean;
  readonly reach: UploadReach;
  /** The secret of the own group; null: in none. */
  readonly groupKey: Uint8Array | null;
  /** Whether peers are looked for on the own networks. */
  readonly lan: boolean;
  /** -1 is unlimited. */
  readonly uploadBytesPerSecond: number;
  readonly downloadBytesPerSecond: number;
  readonly maxConnections: number;
  readonly blocklist: readonly string[];
}

/** A file of a torrent that is wanted: `path` exists already and is written in place. */
interface WantedFile {
  /** Index into the torrent's files. */
  readonly index: number;
  readonly path: string;
  readonly missing: ByteRanges;
}

export interface DownloadRequest {
  readonly torrent: Uint8Array;
  readonly trackers: readonly string[];
  /** Peers known beforehand, `address:port`. */
  readonly peers: readonly string[];
  readonly files: readonly WantedFile[];
  /**
   * Where peers begin; they go on to the end and then from the front. Another place for each client,
   * so that clients have something to give each other, and away from where HTTP works.
   */
  readonly start: { readonly file: number; readonly offset: number };
  /** Only peers of the own networks get something of it. */
  readonly localOnly?: boolean;
}

export interface SeedRequest {
  readonly torrent: Uint8Array;
  readonly trackers: readonly string[];
  /** Where each file of the torrent lies, in its order; null for those that are not here. */
  readonly paths: readonly (string | null)[];
  /** Only peers of the own networks get something; default false. */
  readonly localOnly?: boolean;
}

/** A torrent that is seeded as soon as somebody asks for it, and rests otherwise. */
export interface Offer {
  readonly infoHash: string;
  readonly trackers: readonly string[];
}

/** What the offered torrent is, and where its files lie; all of them are here. */
export type OfferedContent = Pick<SeedRequest, 'torrent'> & { readonly paths: readonly string[] };

/** From the parent to the child. Torrents have passed `parseTorrent` and are known by info hash. */
export type ToChild =
  | { readonly kind: 'start'; readonly options: ChildOptions }
  | ({ readonly kind: 'download'; readonly infoHash: string } & DownloadRequest)
  | ({ readonly kind: 'seed'; readonly infoHash: string } & SeedRequest)
  | {
      readonly kind: 'want';
      readonly infoHash: string;
      readonly file: number;
      readonly missing: ByteRanges;
    }
  /** These bytes have been written by others than peers, and may be offered to them. */
  | {
      readonly kind: 'held';
      readonly infoHash: string;
      readonly file: number;
      readonly range: ByteRange;
    }
  /** Write nothing more into this file, then say `released`. */
  | { readonly kind: 'release'; readonly infoHash: string; readonly file: number }
  | { readonly kind: 'stop'; readonly infoHash: string }
  | { readonly kind: 'offer'; readonly offers: readonly Offer[] }
  | { readonly kind: 'withdraw'; readonly infoHashes: readonly string[] }
  /** The answer to `asked`; null: there is nothing to give. */
  | { readonly kind: 'load'; readonly infoHash: string; readonly content: OfferedContent | null }
  | { readonly kind: 'allow'; readonly allowance: UploadAllowance }
  | { readonly kind: 'ping' }
  | { readonly kind: 'close' };

/** From the child about one torrent. */
export type TorrentEvent =
  /** Bytes of a wanted file are verified and written. */
  | {
      readonly kind: 'verified';
      readonly file: number;
      readonly start: number;
      readonly end: number;
    }
  /** What peers can give of the wanted files, when it has changed. */
  | { readonly kind: 'supply'; readonly supply: Supply }
  /** Bytes received from each address since the torrent was added. */
  | { readonly kind: 'traffic'; readonly received: Readonly<Record<string, number>> }
  | { readonly kind: 'banned'; readonly address: string }
  | { readonly kind: 'released'; readonly file: number }
  /** All pieces of a seed are verified. */
  | { readonly kind: 'seeding' }
  | { readonly kind: 'failed'; readonly message: string };

/** Bytes of content that were uploaded since the last such message. */
export interface Upload {
  readonly infoHash: string;
  /** To peers on the own networks. */
  readonly local: number;
  /** To all others. */
  readonly beyond: number;
}

/** What goes on in the child at the moment. */
export interface Activity {
  /** Torrents that are in memory; those that are offered and that nobody asks for are not. */
  readonly torrents: number;
  readonly peers: number;
}

export type FromChild =
  | { readonly kind: 'started'; readonly port: number }
  /** A peer asks for an offered torrent; `load` answers. */
  | { readonly kind: 'asked'; readonly infoHash: string }
  | ({ readonly kind: 'activity' } & Activity)
  | { readonly kind: 'pong' }
  | { readonly kind: 'warning'; readonly text: string }
  | ({ readonly kind: 'uploaded' } & Upload)
  | { readonly kind: 'torrent'; readonly infoHash: string; readonly event: TorrentEvent };
