import { openHttpTrackers } from './tracker/http-tracker.js';
import { openUdpTrackers } from './tracker/udp-tracker.js';
import { TrackerRefusal, type Announcement, type TrackerAnswer } from './tracker/announcement.js';
import { openDueQueue, type DueQueue } from './tracker/due-queue.js';

/** Trackers used of one torrent; who delivers a torrent file may have listed hundreds. */
const MAX_TRACKERS = 4;
/** A hostile tracker could ask to be called every millisecond. */
const MIN_INTERVAL = 60_000;
const MAX_INTERVAL = 3_600_000;
/** A tracker may learn of a new torrent a little later than peers do. */
const REFUSED = 300_000;
/** Peers taken from trackers for one torrent. */
const MAX_PEERS = 200;
/**
 * Hundreds of torrents that announce in the same instant look like an attack. At this pace 100,000
 * are told within half of the 15 minutes after which trackers want to hear of them again.
 */
const PACE = 5;
/** Announcements under way, over all trackers; a dead one holds few of them. */
const MAX_ASKED = 16;
const MAX_ASKED_OF_TRACKER = 4;
/** Farewells under way; trackers forget those who come no more. */
const MAX_FAREWELLS = 50;
const WANTED = 50;

interface AnnounceOptions {
  readonly infoHash: string;
  readonly peerId: string;
  readonly port: number;
  readonly trackers: readonly string[];
  /** Bytes so far, and to go (0 announces a seeder). */
  readonly progress: () => Pick<Announcement, 'uploaded' | 'downloaded' | 'left'>;
  /** Null: peers are not asked for, they come by themselves. */
  readonly onPeer: OnPeer | null;
}

/** `tracker` is the URL of the one that named the peer. */
type OnPeer = (peer: string, tracker: string) => void;

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
  readonly tracker: TrackerState;
  readonly options: AnnounceOptions;
  readonly onPeer: OnPeer | null;
  dueAt: number;
  /** The tracker has it on its list. */
  known: boolean;
  stopped: boolean;
}

/** A tracker that does not answer is left alone by all torrents for a while. */
interface TrackerState {
  readonly url: string;
  asked: number;
  failures: number;
  restsUntil: number;
  /** Torrents that miss something go before all others. */
  readonly missing: DueQueue<Entry>;
  readonly complete: DueQueue<Entry>;
}

export function openAnnouncer(): Announcer {
  const http = openHttpTrackers();
  const udp = openUdpTrackers();
  const trackers = new Map<string, TrackerState>();
  let asked = 0;
  let farewells = 0;
  let timer: NodeJS.Timeout | undefined;
  let wakesAt = 0;
  let closed = false;

  const stateOf = (url: string): TrackerState => {
    const state = trackers.get(url) ?? {
      url,
      asked: 0,
      failures: 0,
      restsUntil: 0,
      missing: openDueQueue<Entry>(),
      complete: openDueQueue<Entry>(),
    };
    trackers.set(url, state);
    return state;
  };
  const send = (entry: Entry, event: Announcement['event']): Promise<TrackerAnswer> => {
    const { infoHash, peerId, port, progress } = entry.options;
    const wanted = event === 'stopped' || entry.onPeer === null ? 0 : WANTED;
    const announcement = { infoHash, peerId, port, ...progress(), event, wanted };
    const client = entry.tracker.url.startsWith('udp:') ? udp : http;
    return client.announce(entry.tracker.url, announcement);
  };
  const enqueue = (entry: Entry): void => {
    const { missing, complete } = entry.tracker;
    (entry.options.progress().left > 0 ? missing : complete).push(entry);
  };

  const announce = async (entry: Entry): Promise<void> => {
    const { tracker } = entry;
    asked++;
    tracker.asked++;
    try {
      const { interval, peers } = await send(entry, entry.known ? null : 'started');
      tracker.failures = 0;
      entry.known = true;
      entry.dueAt = now() + Math.min(Math.max(interval, MIN_INTERVAL), MAX_INTERVAL);
      // It was left while the tracker was asked.
      if (entry.stopped) goodbye(entry);
      else for (const peer of peers) entry.onPeer?.(peer, tracker.url);
    } catch (error) {
      if (error instanceof Error && error.cause instanceof TrackerRefusal) {
        entry.dueAt = now() + REFUSED;
        return;
      }
      const rest = Math.min(MIN_INTERVAL * 2 ** tracker.failures++, MAX_INTERVAL);
      tracker.restsUntil = now() + rest;
      entry.dueAt = tracker.restsUntil;
    } finally {
      asked--;
      tracker.asked--;
      if (!entry.stopped) enqueue(entry);
      schedule();
    }
  };

  /** Those that wait for their tracker are looked at when it has answered. */
  const free = (): TrackerState[] =>
    [...trackers.values()].filter((tracker) => tracker.asked < MAX_ASKED_OF_TRACKER);
  const next = (): void => {
    timer = undefined;
    const at = now();
    const awake = free().filter(({ restsUntil }) => restsUntil <= at);
    const queues = [...awake.map(({ missing }) => missing), ...awake.map((each) => each.complete)];
    const queue = queues.find((each) => (firstOf(each)?.dueAt ?? Infinity) <= at);
    const entry = asked < MAX_ASKED ? queue?.shift() : undefined;
    if (entry !== undefined) void announce(entry);
    schedule();
  };
  const schedule = (): void => {
    if (timer !== undefined || closed || asked >= MAX_ASKED) return;
    let soonest = Infinity;
    for (const { restsUntil, missing, complete } of free()) {
      const dueAt = Math.min(
        ...[missing, complete].map((each) => firstOf(each)?.dueAt ?? Infinity),
      );
      soonest = Math.min(soonest, Math.max(dueAt, restsUntil));
    }
    if (soonest === Infinity) return;
    wakesAt = Math.max(now() + PACE, soonest);
    timer = setTimeout(next, wakesAt - now());
    timer.unref();
  };
  const goodbye = (entry: Entry): void => {
    if (closed || farewells >= MAX_FAREWELLS) return;
    farewells++;
    void send(entry, 'stopped')
      .catch(() => undefined)
      .finally(() => farewells--);
  };

  return {
    start: (options) => {
      const onPeer = options.onPeer === null ? null : newPeersOnly(options.onPeer);
      const own = options.trackers
        .filter(usableTracker)
        .slice(0, MAX_TRACKERS)
        .map((url): Entry => {
          const tracker = stateOf(url);
          return { tracker, options, onPeer, dueAt: now(), known: false, stopped: false };
        });
      own.forEach(enqueue);
      reschedule();
      return () => {
        for (const entry of own) {
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
    if (timer !== undefined && wakesAt <= now() + PACE) return;
    clearTimeout(timer);
    timer = undefined;
    schedule();
  }
}

/** Entries that were stopped leave their queue when it is their turn. */
function firstOf(queue: DueQueue<Entry>): Entry | undefined {
  while (queue.first()?.stopped === true) queue.shift();
  return queue.first();
}

function newPeersOnly(onPeer: OnPeer): OnPeer {
  const seen = new Set<string>();
  return (peer, tracker) => {
    if (seen.size >= MAX_PEERS || seen.has(peer)) return;
    seen.add(peer);
    onPeer(peer, tracker);
  };
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
