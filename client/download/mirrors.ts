import { mayPass } from './http.js';
import { TooSlowError } from './steady-body.js';

/** What a run knows of the servers that it fetches from. */
export interface Mirrors {
  /** The address to try now, and from when; null when all have failed for good. */
  readonly choose: (urls: readonly MirrorUrl[]) => { url: MirrorUrl; notBefore: number } | null;
  readonly succeeded: (url: MirrorUrl, bytes: number, milliseconds: number) => void;
  readonly failed: (url: MirrorUrl, error: unknown) => void;
}

/** One address of one object. */
export interface MirrorUrl {
  readonly url: string;
  failures: number;
  /** It does not have the object, or has another. */
  isUseless: boolean;
}

interface Server {
  failures: number;
  retryAt: number;
  /** Bytes a second of the last chunks; null: not known. */
  speed: number | null;
}

/** An address gets so many chances; a server that fails is left alone for a time, each time longer. */
const MAX_FAILURES = 3;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
/** Chunks are small at first: below this size a speed says more about latency. */
const MIN_SAMPLE = 128 * 1024;
const NEW_PART = 0.5;
/** A later mirror is tried when those before give less a second, and preferred if it is so much faster. */
const SLOW = 100_000;
const MUCH_FASTER = 2;

export function startMirrors(now: () => number = () => performance.now()): Mirrors {
  const servers = new Map<string, Server>();
  const serverOf = ({ url }: MirrorUrl): Server => {
    const origin = originOf(url);
    const known = servers.get(origin) ?? { failures: 0, retryAt: 0, speed: null };
    servers.set(origin, known);
    return known;
  };
  return {
    choose: (urls) => {
      let best: { url: MirrorUrl; server: Server } | null = null;
      for (const url of urls) {
        if (url.isUseless || url.failures >= MAX_FAILURES) continue;
        const server = serverOf(url);
        if (best === null || isBetter(server, best.server, now())) best = { url, server };
      }
      return best && { url: best.url, notBefore: best.server.retryAt };
    },
    succeeded: (url, bytes, milliseconds) => {
      const server = serverOf(url);
      server.failures = 0;
      server.retryAt = 0;
      if (bytes < MIN_SAMPLE) return;
      const speed = (bytes / Math.max(milliseconds, 1)) * 1000;
      server.speed =
        server.speed === null ? speed : server.speed + NEW_PART * (speed - server.speed);
    },
    failed: (url, error) => {
      url.failures++;
      url.isUseless = !mayPass(error);
      if (url.isUseless) return;
      const server = serverOf(url);
      const cause = error instanceof Error ? error.cause : null;
      if (cause instanceof TooSlowError) server.speed = cause.bytesPerSecond;
      const pause = Math.min(FIRST_PAUSE * 2 ** server.failures++, LONGEST_PAUSE);
      server.retryAt = now() + pause;
    },
  };
}

/** Whether to use `later` instead of `earlier`, which the list names first. */
function isBetter(later: Server, earlier: Server, time: number): boolean {
  const [laterRests, earlierRests] = [later.retryAt > time, earlier.retryAt > time];
  if (laterRests || earlierRests) return !laterRests || later.retryAt < earlier.retryAt;
  if (later === earlier || earlier.speed === null || earlier.speed >= SLOW) return false;
  return later.speed === null || later.speed > earlier.speed * MUCH_FASTER;
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
