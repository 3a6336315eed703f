import { Client } from 'bittorrent-tracker';

/** Trackers used of one torrent; who delivers a torrent file may have listed hundreds. */
const MAX_TRACKERS = 4;
/** A hostile tracker could ask to be called every millisecond. */
const MIN_INTERVAL = 60_000;
const MAX_INTERVAL = 3_600_000;
/** Peers taken from trackers for one torrent. */
const MAX_PEERS = 200;
/** Hundreds of torrents that announce in the same instant look like an attack. */
const PACE = 10;

export interface AnnounceOptions {
  readonly infoHash: string;
  readonly peerId: string;
  readonly port: number;
  readonly trackers: readonly string[];
  /** Bytes so far, and to go (0 announces a seeder). */
  readonly progress: () => { uploaded: number; downloaded: number; left: number };
  readonly onPeer: (peer: string) => void;
}

export interface Announcer {
  readonly complete: () => void;
  /** Says goodbye without waiting for an answer; a dead tracker delays nothing. */
  readonly stop: () => void;
}

let nextStart = 0;

/** Announces a torrent to its trackers and reports the peers they name. Errors are only hints. */
export function startAnnouncing(options: AnnounceOptions): Announcer {
  const announce = options.trackers.filter(usableTracker).slice(0, MAX_TRACKERS);
  if (announce.length === 0) return { complete: () => undefined, stop: () => undefined };
  const client = new Client({
    infoHash: options.infoHash,
    peerId: options.peerId,
    port: options.port,
    announce,
    userAgent: 'debshoal',
    wrtc: false,
    getAnnounceOpts: options.progress,
  });
  const seen = new Set<string>();
  client.on('error', () => undefined);
  client.on('warning', () => undefined);
  client.on('peer', (peer: string) => {
    if (seen.size >= MAX_PEERS || seen.has(peer)) return;
    seen.add(peer);
    options.onPeer(peer);
  });
  client.on('update', ({ interval }: { interval?: unknown }) => {
    const asked = typeof interval === 'number' ? interval * 1000 : 0;
    client.setInterval(Math.min(Math.max(asked, MIN_INTERVAL), MAX_INTERVAL));
  });

  nextStart = Math.max(nextStart + PACE, Date.now());
  const start = (): void => {
    timer = undefined;
    client.start();
  };
  let timer: NodeJS.Timeout | undefined = setTimeout(start, nextStart - Date.now());
  let stopped = false;
  return {
    complete: () => {
      if (timer === undefined && !stopped) client.complete();
    },
    stop: () => {
      if (stopped) return;
      stopped = true;
      clearTimeout(timer);
      if (timer === undefined) client.stop();
      client.destroy(() => undefined);
    },
  };
}

/** WebSocket trackers need WebRTC; a bad port makes the tracker client throw later, uncaught. */
function usableTracker(tracker: string): boolean {
  try {
    const url = new URL(tracker.replace(/^udp:/, 'http:'));
    return /^(https?|udp):/.test(tracker) && url.port !== '0' && url.username === '';
  } catch {
    return false;
  }
}
