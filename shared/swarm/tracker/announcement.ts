/** What a tracker is told about one torrent. */
export interface Announcement {
  /** 40 hex digits each. */
  readonly infoHash: string;
  readonly peerId: string;
  readonly port: number;
  readonly uploaded: number;
  readonly downloaded: number;
  /** Bytes that are missing here: 0 is a seeder. */
  readonly left: number;
  readonly event: 'started' | 'stopped' | null;
  /** Peers that we would like to hear of. */
  readonly wanted: number;
}

export interface TrackerAnswer {
  /** Milliseconds until the tracker wants to hear again. */
  readonly interval: number;
  /** `address:port` each. */
  readonly peers: readonly string[];
}

/** A tracker's answer that it does not want this torrent; it may well want others. */
export class TrackerRefusal extends Error {}

/** Peers taken from one answer. */
export const MAX_ANSWER_PEERS = 200;
