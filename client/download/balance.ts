/** Decides for a whole run whether HTTP gives what peers can give as well. */
export interface Balance {
  readonly addHttp: (bytes: number) => void;
  readonly addPeers: (bytes: number) => void;
  /** To be called every `BALANCE_INTERVAL`. */
  readonly tick: () => void;
  /** A peer is connected that could give something. */
  readonly peersCame: () => void;
  /** Peers were there and gave nothing for so long that they do not count any more. */
  readonly silent: () => boolean;
  /** False while peers alone are as fast as HTTP was: then its server is spared. */
  readonly racing: () => boolean;
  /** Whether HTTP, while it rests, may bring more of what nobody among so many peers has. */
  readonly mayFeed: (peers: number) => boolean;
}

/** Milliseconds of one observation. */
export const BALANCE_INTERVAL = 250;
/**
 * Anybody can connect and give nothing. HTTP makes room for peers at once, with small requests that
 * each cost a round trip; after so many milliseconds in vain it goes on as if it were alone.
 */
const SILENCE = 8000;
/** How much of a speed is the last observation: one second or so counts. */
const NEW_PART = 0.3;
/** Below this part of HTTP's speed what peers gave did not slow HTTP down. */
const ALONE = 0.1;
/**
 * Observations after which HTTP's speed is known. Neighbours are often there before its first byte:
 * when it rested for them at once, whatever they gave was as fast as nothing, for ever.
 */
const KNOWN_AFTER = 4;
/**
 * Beside peers HTTP may show more than it did alone: its first second was slow. Or others of a crowd
 * have just left the server to us, and would see the same were we to leave it; so not at once.
 */
const RAISE = 0.02;
/**
 * And HTTP alone could not have more than both together have now: a line that peers did not fill
 * leaves it what it can take. Who was the first of a crowd had the server for itself for a second.
 */
const LOWER = 0.05;
/** HTTP comes back when peers have become so much slower than it was. */
const TOO_SLOW = 0.8;
/**
 * Both share one line, so peers can never show half of it beside HTTP. From this part on HTTP rests
 * for a moment, to see whether they take what it leaves; each time in vain the next is later.
 */
const WORTH_A_TRIAL = 0.4;
const TRIAL = 1500;
const FIRST_TRIAL = 3000;
const LATER_FACTOR = 3;

/**
 * In a crowd each client has to bring its share of what nobody has, and knows only some of the others:
 * who brings all that seems to be missing at once brings what others bring, too.
 */
const GENEROUS = 2;
const FEED_AT_FIRST = 256 * 1024;

/** `now` in milliseconds, of a clock that never goes back. */
export function startBalance(now: () => number = () => performance.now()): Balance {
  let [httpBytes, peerBytes] = [0, 0];
  let [http, peers] = [0, 0];
  /** Observations in which HTTP delivered, while it raced. */
  let observed = 0;
  /** Bytes a second of HTTP when it was alone. */
  let alone = 0;
  let last = now();
  let racing = true;
  let trialEnd: number | null = null;
  let pause = FIRST_TRIAL;
  /** Bytes that came while it rested. */
  const resting = { http: 0, peers: 0 };
  let nextTrial = last + pause;
  /** When the first peer came, or any gave something. */
  let heardAt: number | null = null;

  const observe = (): number => {
    const time = now();
    const seconds = Math.max(time - last, 1) / 1000;
    last = time;
    peers += NEW_PART * (peerBytes / seconds - peers);
    if (racing && httpBytes > 0) observed++;
    // What it fetches while it rests says nothing about its speed.
    if (racing && observed > 0) {
      http += Math.max(NEW_PART, 1 / observed) * (httpBytes / seconds - http);
    }
    if (racing && httpBytes > 0) {
      if (peers < ALONE * http || observed <= KNOWN_AFTER) alone = http;
      else if (http > alone) alone += RAISE * (http - alone);
      else alone -= LOWER * Math.max(alone - http - peers, 0);
    }
    [httpBytes, peerBytes] = [0, 0];
    return time;
  };

  const tick = (): void => {
    const time = observe();
    if (observed < KNOWN_AFTER) return;
    if (racing) {
      if (peers > 0 && peers >= alone) racing = false;
      else if (peers >= WORTH_A_TRIAL * alone && peers > 0 && time >= nextTrial) {
        racing = false;
        trialEnd = time + TRIAL;
      }
    } else if (trialEnd === null || time >= trialEnd) {
      racing = peers < TOO_SLOW * alone;
      if (racing && trialEnd !== null) pause *= LATER_FACTOR;
      if (racing) nextTrial = time + pause;
      trialEnd = null;
    }
  };

  return {
    addHttp: (bytes) => {
      httpBytes += bytes;
      if (!racing) resting.http += bytes;
    },
    addPeers: (bytes) => {
      peerBytes += bytes;
      heardAt = now();
      if (!racing) resting.peers += bytes;
    },
    mayFeed: (peers) => resting.http <= FEED_AT_FIRST + (GENEROUS * resting.peers) / (peers + 1),
    peersCame: () => {
      heardAt ??= now();
    },
    silent: () => heardAt !== null && now() - heardAt > SILENCE,
    tick,
    racing: () => racing,
  };
}
