import type { Preference } from '../predict/choose-set.js';
import type { ExpandedPolicy } from '../steps/find-expandable.js';

/** Who may get from this machine what it has fetched; each includes the ones before it. */
export const SHARE_SCOPES = ['nobody', 'lan', 'group', 'internet'] as const;
export type ShareScope = (typeof SHARE_SCOPES)[number];

/**
 * Whether deltas are applied in a sandbox. `auto`: the daemon, which nobody watches, applies none
 * without; `fetch`, which somebody has started, says that there is none.
 */
export const SANDBOX_POLICIES = ['auto', 'required', 'preferred'] as const;
type SandboxPolicy = (typeof SANDBOX_POLICIES)[number];

/** What may happen by itself, and where it may not: `debshoal.conf` explains each field to people. */
export interface Settings {
  /** False: every package comes from the mirror, as without debshoal. */
  readonly fetch: boolean;
  readonly prefer: Preference;
  readonly expanded: ExpandedPolicy;
  readonly sandbox: SandboxPolicy;
  /** Whether peers are asked at all; HTTP is asked always. */
  readonly peers: boolean;
  /** Pending packages come in the background after each `apt update`. */
  readonly prefetch: boolean;
  /** Whether prefetching and sharing go on over a metered link, and on battery. */
  readonly onMetered: boolean;
  readonly onBattery: boolean;
  /** Seconds that apt is kept waiting for one package at most; then it asks its mirror. */
  readonly patienceSeconds: number;
  /** Bytes of finished packages and shared objects on disk. */
  readonly cacheBytes: number;

  readonly share: ShareScope;
  /** Path of the file with the group's secret; null: this machine is in no group. */
  readonly groupKey: string | null;
  /** TCP port for peers; 0 is a random one. */
  readonly port: number;
  /** Null: no limit. */
  readonly uploadBytesPerSecond: number | null;
  readonly downloadBytesPerSecond: number | null;
  /** Bytes uploaded to the Internet in a calendar month (UTC). */
  readonly uploadMonthlyBytes: number | null;
  /** An object is shared until it was uploaded this many times its size. */
  readonly seedRatio: number;
  /** Bytes uploaded for one suite, such as bookworm-security, in a calendar month. */
  readonly uploadPerReleaseBytes: number | null;
  /** Hours of the day, local time, in which is shared: `[from, to)` in minutes; null: always. */
  readonly shareHours: { readonly from: number; readonly to: number } | null;
  /** Addresses, subnets and ranges never to talk to. */
  readonly blocklist: readonly string[];
}

export const DEFAULT_SETTINGS: Settings = {
  fetch: true,
  prefer: 'auto',
  expanded: 'auto',
  sandbox: 'auto',
  peers: true,
  prefetch: true,
  onMetered: false,
  onBattery: false,
  patienceSeconds: 120,
  cacheBytes: 2e9,
  share: 'nobody',
  groupKey: null,
  port: 0,
  uploadBytesPerSecond: null,
  downloadBytesPerSecond: null,
  uploadMonthlyBytes: 5e9,
  seedRatio: 1,
  uploadPerReleaseBytes: null,
  shareHours: null,
  blocklist: [],
};
