export interface ClientTask {
  /** A published tree, and where it is served. */
  readonly out: string;
  readonly url: string;
  readonly folder: string;
  /** How many of each are fetched. */
  readonly deltas: number;
  readonly debs: number;
}

export interface ClientResult {
  /** In the index. */
  readonly packages: number;
  /** Unpacking and parsing the index. */
  readonly indexSeconds: number;
  readonly downloadSeconds: number;
  readonly peakRssBytes: number;
  readonly swarmRssBytes: number;
  readonly cpuSeconds: number;
  readonly peerBytes: number;
  readonly httpBytes: number;
  readonly failed: number;
}
