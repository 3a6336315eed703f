import type { Conditions } from '../conditions/conditions.js';
import type { Settings, ShareScope } from '../config/settings.js';

/** What is offered to others: a delta or a .deb that was fetched, and whose package is installed. */
export interface SharedObject {
  /** The complete, verified file. Sharing takes a link or a copy; the caller may remove its own. */
  readonly path: string;
  readonly torrent: Uint8Array;
  /** Path of the file inside a torrent of several; null for a torrent of one file. */
  readonly filePath: string | null;
  /** From the signed index. Used in scope `internet` and `group` alone. */
  readonly trackers: readonly string[];
  /** The installed package: objects of its other versions are withdrawn by this offer. */
  readonly package: string;
  readonly architecture: string;
  readonly version: string;
  /** For the limit per release, such as `bookworm-security`. */
  readonly suite: string;
}

/** Why nothing is uploaded at the moment; null while something may be. */
export type SharingPause = 'nobody' | 'metered' | 'battery' | 'hours' | null;

export interface SharingStatus {
  readonly scope: ShareScope;
  readonly paused: SharingPause;
  /** Why nothing goes beyond the local network although the scope allows it. */
  readonly localOnly: 'vpn' | 'quota' | null;
  readonly objects: number;
  readonly bytesOnDisk: number;
  /** Bytes uploaded in this calendar month (UTC), `YYYY-MM`. */
  readonly month: string;
  readonly uploadedBeyond: number;
  readonly uploadedLocally: number;
  readonly uploadedBySuite: Readonly<Record<string, number>>;
}

export interface Sharing {
  /** Call after the new version was installed. Never fails: what cannot be shared is a warning. */
  readonly offer: (object: SharedObject) => Promise<void>;
  /** Stops sharing a package, all versions: it was removed, or changed by somebody else. */
  readonly withdraw: (name: string, architecture: string) => Promise<void>;
  readonly status: () => SharingStatus;
  /** Saves what was counted. The swarm stays open: it is the caller's. */
  readonly close: () => Promise<void>;
}

export interface SharingOptions {
  readonly settings: Settings;
  /** What was counted is remembered here, and what is shared lies here. */
  readonly stateFolder: string;
  readonly conditions: Conditions & { readonly onChange?: (listener: () => void) => () => void };
  readonly now: () => Date;
  readonly onWarning?: (text: string) => void;
}
