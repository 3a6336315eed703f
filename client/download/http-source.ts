import { DebshoalError } from '../../shared/errors.js';
import type { ByteRange } from '../../shared/io/byte-ranges.js';
import { BALANCE_INTERVAL, type Balance } from './balance.js';
import { chooseRange, FIRST_CHUNK, type Chosen } from './choose-range.js';
import { fetchRange, type HttpClient } from './http.js';
import { startMirrors, type MirrorUrl, type Mirrors } from './mirrors.js';
import { loseSource, update, type Transfer } from './transfer.js';

const LARGEST_CHUNK = 8 * 1024 * 1024;
/**
 * Requests at a time beside peers. Thirty clients with four connections each were too many for the
 * queue before a server, and what was asked for came long after peers had it.
 */
const MAX_CHUNKS = 2;
/** A chunk whose body came faster was too small, for each request costs a round trip; or too large. */
const QUICK = 400;
const SLOW = 2000;
/** So is one for which the wait was more than this part of the whole. */
const WAIT = 0.1;

export interface HttpSourceOptions {
  readonly client: HttpClient;
  /** Requests at a time. */
  readonly connections: number;
  /** Null: there are no peers to leave anything to. */
  readonly balance: Balance | null;
}

/** What is to be fetched next, and from where. */
interface Work {
  readonly transfer: Transfer;
  readonly url: MirrorUrl;
  readonly chosen: Chosen;
}

/** What all requests of one run share. */
interface Run extends HttpSourceOptions {
  readonly mirrors: Mirrors;
  /** Bytes that are asked for at a time while peers work at the same object. */
  chunk: number;
  /** Requests under way for objects that have peers. */
  chunks: number;
}

/**
 * Fetches what is to come over HTTP, the `first` transfers first, until all are settled: what no peer
 * has, and while that is faster than peers alone, what they have. Never fails.
 */
export async function runHttp(
  first: readonly Transfer[],
  others: Promise<readonly Transfer[]>,
  options: HttpSourceOptions,
): Promise<void> {
  const run: Run = { ...options, mirrors: startMirrors(), chunk: FIRST_CHUNK, chunks: 0 };
  const open = new Set<Transfer>();
  let areAllHere = false;
  const sleepers = new Set<() => void>();
  const wake = (): void => {
    for (const sleeper of sleepers) sleeper();
    sleepers.clear();
  };
  const add = (transfers: readonly Transfer[]): void => {
    for (const transfer of transfers) {
      if (transfer.http === 'gone') continue;
      open.add(transfer);
      transfer.changed = wake;
      transfer.stop.signal.addEventListener('abort', wake);
    }
    wake();
  };
  add(first);
  const added = others.then(add).finally(() => {
    areAllHere = true;
    wake();
  });
  const isBusy = (): boolean => open.size > 0 || !areAllHere;
  const timer = setInterval(() => {
    options.balance?.tick();
    wake();
  }, BALANCE_INTERVAL);
  const worker = async (): Promise<void> => {
    while (isBusy()) {
      const work = nextWork(open, run);
      if (work === null) {
        if (isBusy()) await new Promise<void>((resolve) => sleepers.add(resolve));
        continue;
      }
      await start(work, run);
    }
    wake();
  };
  await Promise.all([added, ...Array.from({ length: options.connections }, worker)]);
  clearInterval(timer);
}

/** Fetches all of one object that has no peers. Never fails; `transfer.lastError` says why not. */
export async function fetchTransfer(transfer: Transfer, client: HttpClient): Promise<void> {
  await runHttp([transfer], Promise.resolve([]), { client, connections: 1, balance: null });
}

/** The first piece of work of the lowest rank, in the order of the transfers. */
function nextWork(open: Set<Transfer>, run: Run): Work | null {
  const racing = run.balance?.racing() ?? true;
  const silent = run.balance?.silent() ?? false;
  let best: Work | null = null;
  for (const transfer of open) {
    if (isOver(transfer)) open.delete(transfer);
    else if (transfer.claimed === null) {
      const found = run.mirrors.choose(transfer.urls);
      if (found === null) {
        const none = new DebshoalError('http-failed', `${transfer.object.id} has no URL`);
        loseSource(transfer, 'http', transfer.httpError ?? none);
        open.delete(transfer);
        continue;
      }
      if (found.notBefore > performance.now()) continue;
      const chosen = chooseRange(transfer, run.chunk, racing, silent);
      if (chosen === null || !isDue(transfer, chosen, run)) continue;
      if (chosen.rank < (best?.chosen.rank ?? 3)) best = { transfer, url: found.url, chosen };
      if (chosen.rank === 0) break;
    }
  }
  return best;
}

/** What others of a crowd may be about to bring can wait while HTTP rests. */
function isDue({ supply }: Transfer, { isStream }: Chosen, { balance, chunks }: Run): boolean {
  if (isStream || balance === null) return true;
  return chunks < MAX_CHUNKS && (balance.racing() || balance.mayFeed(supply?.peers ?? 0));
}

function isOver({ stop, http, part }: Transfer): boolean {
  return stop.signal.aborted || http === 'gone' || part.complete();
}

function start(work: Work, run: Run): Promise<void> {
  const { transfer, chosen } = work;
  transfer.http = 'working';
  transfer.claimed = chosen.claim;
  transfer.wantsChanged();
  transfer.httpIdle = fetch(work, run).finally(() => {
    transfer.claimed = null;
    transfer.wantsChanged();
  });
  return transfer.httpIdle;
}

/** One request. Alone, it goes on to the end of the gap, and ends when peers come or give something. */
async function fetch({ transfer, url, chosen }: Work, run: Run): Promise<void> {
  const { part, object, stop } = transfer;
  const enough = new AbortController();
  const signal = AbortSignal.any([stop.signal, enough.signal]);
  const startedAt = performance.now();
  let begunAt = Infinity;
  let untold: ByteRange | null = null;
  const tell = (): void => {
    if (untold !== null) transfer.tellHeld(untold);
    untold = null;
  };
  const write = async (offset: number, bytes: Buffer): Promise<void> => {
    begunAt = Math.min(begunAt, performance.now());
    const added = await part.write(offset, bytes);
    transfer.httpBytes += added;
    run.balance?.addHttp(added);
    const at = offset + bytes.length;
    untold = untold?.end === offset ? { start: untold.start, end: at } : { start: offset, end: at };
    if (untold.end - untold.start >= FIRST_CHUNK || part.complete()) tell();
    // After that: whoever hears that all is there lets go of the swarm.
    update(transfer);
    if (chosen.isStream && transfer.claimed !== null && at >= transfer.claimed.end) {
      transfer.claimed = { start: at, end: Math.min(at + run.chunk, chosen.range.end) };
      transfer.wantsChanged();
    }
  };
  transfer.peersCame = () => {
    if (chosen.isStream) enough.abort();
  };
  if (!chosen.isStream) run.chunks++;
  try {
    const request = { url: url.url, ...chosen.range, size: object.size, write };
    await fetchRange(run.client, request, signal);
    const endedAt = performance.now();
    const milliseconds = endedAt - startedAt;
    run.mirrors.succeeded(url, chosen.range.end - chosen.range.start, milliseconds);
    if (!chosen.isStream) {
      run.chunk = nextChunk(run.chunk, milliseconds, Math.max(endedAt - begunAt, 0));
    }
  } catch (error) {
    if (signal.aborted) return;
    transfer.httpError = error;
    run.mirrors.failed(url, error);
  } finally {
    transfer.peersCame = () => undefined;
    if (!chosen.isStream) run.chunks--;
    tell();
  }
}

/** After a request that took so many milliseconds in all, and for the body alone. */
export function nextChunk(chunk: number, all: number, body: number): number {
  if (body > SLOW) return Math.max(chunk / 2, FIRST_CHUNK);
  const isSmall = body < QUICK || (all - body > WAIT * all && body < SLOW / 2);
  return isSmall ? Math.min(chunk * 2, LARGEST_CHUNK) : chunk;
}
