import { openHttpTrackers } from './tracker/http-tracker.js';
import { openUdpTrackers } from './tracker/udp-tracker.js';
import type { Announcement, TrackerAnswer } from './tracker/announcement.js';

/** Trackers used of one torrent; who delivers a torrent file may have listed hundreds. */
const MAX_TRACKERS = 4;
/** A hostile tracker could ask to be called every millisecond. */
const MIN_INTERVAL = 60_000;
const MAX_INTERVAL = 3_600_000;
/** Peers taken from trackers for one torrent. */
const MAX_PEERS = 200;
/** Hundreds of torrents that announce in the same instant look like an attack. */
const PACE = 10;
/** Announcements under way, over all trackers; a dead one holds few of them. */
const MAX_ASKED = 16;
const MAX_ASKED_OF_TRACKER = 4;
const WANTED = 50;

export interface AnnounceOptions {
  readonly infoHash: string;
  readonly peerId: string;
  readonly port: number;
  readonly trackers: readonly string[];
  /** Bytes so far, and to go (0 announces a seeder). */
  readonly progress: () => Pick<Announcement, 'uploaded' | 'downloaded' | 'left'>;
  readonly onPeer: (peer: string) => void;
}

/** Announces many torrents to their trackers, through few sockets and one after the other. */
export interface Announcer {
  /**
   * Announces a torrent now and whenever its trackers ask for it, and reports the peers that they
   * name. Errors are only hints. Returns how to say goodbye, which waits for nobody.
   */
  readonly start: (options: AnnounceOptions) => () => void;
  /** Ends what is under way. */
  readonly close: () => void;
}

/** One torrent at one tracker. */
interface Entry {
  readonly tracker: string;
  readonly options: AnnounceOptions;
  readonly onPeer: (peer: string) => void;
  dueAt: number;
  /** The tracker has it on its list. */
  known: boolean;
  stopped: boolean;
}

/** A tracker that does not answer is left alone by all torrents for a while. */
interface TrackerState {
  asked: number;
  failures: number;
  restsUntil: number;
}

export function openAnnouncer(): Announcer {
  const http = openHttpTrackers();
  const udp = openUdpTrackers();
  const entries = new Set<Entry>();
  const trackers = new Map<string, TrackerState>();
  let asked = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const stateOf = (tracker: string): TrackerState => {
    const state = trackers.get(tracker) ?? { asked: 0, failures: 0, restsUntil: 0 };
    trackers.set(tracker, state);
    return state;
  };
  const send = (entry: Entry, event: Announcement['event']): Promise<TrackerAnswer> => {
    const { infoHash, peerId, port, progress } = entry.options;
    const wanted = event === 'stopped' ? 0 : WANTED;
    const announcement = { infoHash, peerId, port, ...progress(), event, wanted };
    const client = entry.tracker.startsWith('udp:') ? udp : http;
    return client.announce(entry.tracker, announcement);
  };

  const announce = async (entry: Entry, state: TrackerState): Promise<void> => {
    asked++;
    state.asked++;
    // Another one is asked meanwhile; when this one comes back is decided by its answer.
    entry.dueAt = Infinity;
    try {
      const { interval, peers } = await send(entry, entry.known ? null : 'started');
      state.failures = 0;
      entry.known = true;
      entry.dueAt = now() + Math.min(Math.max(interval, MIN_INTERVAL), MAX_INTERVAL);
      // It was left while the tracker was asked.
      if (entry.stopped) goodbye(entry);
      else for (const peer of peers) entry.onPeer(peer);
    } catch {
      const rest = Math.min(MIN_INTERVAL * 2 ** state.failures++, MAX_INTERVAL);
      state.restsUntil = now() + rest;
      entry.dueAt = state.restsUntil;
    } finally {
      asked--;
      state.asked--;
      schedule();
    }
  };

  const next = (): void => {
    timer = undefined;
    const at = now();
    const ready = (entry: Entry): boolean => {
      const state = stateOf(entry.tracker);
      const rests = Math.max(entry.dueAt, state.restsUntil) > at;
      return !rests && state.asked < MAX_ASKED_OF_TRACKER;
    };
    // Who is missing something goes first.
    const due = [...entries].filter(ready);
    const entry = due.find(({ options }) => options.progress().left > 0) ?? due[0];
    if (entry !== undefined && asked < MAX_ASKED) void announce(entry, stateOf(entry.tracker));
    schedule();
  };
  const schedule = (): void => {
    if (timer !== undefined || closed || asked >= MAX_ASKED) return;
    let soonest = Infinity;
    for (const { tracker, dueAt } of entries) {
      const state = stateOf(tracker);
      // Those that wait for their tracker are looked at when it has answered.
      if (state.asked >= MAX_ASKED_OF_TRACKER) continue;
      soonest = Math.min(soonest, Math.max(dueAt, state.restsUntil));
    }
    if (soonest === Infinity) return;
    timer = setTimeout(next, Math.max(PACE, soonest - now()));
    timer.unref();
  };
  const goodbye = (entry: Entry): void => {
    if (!closed) void send(entry, 'stopped').catch(() => undefined);
  };

  return {
    start: (options) => {
      const seen = new Set<string>();
      const onPeer = (peer: string): void => {
        if (seen.size >= MAX_PEERS || seen.has(peer)) return;
        seen.add(peer);
        options.onPeer(peer);
      };
      const own = options.trackers
        .filter(usableTracker)
        .slice(0, MAX_TRACKERS)
        .map((tracker): Entry => {
          return { tracker, options, onPeer, dueAt: now(), known: false, stopped: false };
        });
      for (const entry of own) entries.add(entry);
      reschedule();
      return () => {
        for (const entry of own) {
          entries.delete(entry);
          if (entry.known && !entry.stopped) goodbye(entry);
          entry.stopped = true;
        }
      };
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
      http.close();
      udp.close();
    },
  };

  function reschedule(): void {
    clearTimeout(timer);
    timer = undefined;
    schedule();
  }
}

function now(): number {
  return performance.now();
}

/** WebSocket trackers need WebRTC. */
function usableTracker(tracker: string): boolean {
  try {
    const url = new URL(tracker.replace(/^udp:/, 'http:'));
    return /^(https?|udp):/.test(tracker) && url.port !== '0' && url.username === '';
  } catch {
    return false;
  }
}
