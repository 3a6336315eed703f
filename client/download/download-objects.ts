import { mkdir } from 'node:fs/promises';

import { DebshoalError } from '../../shared/errors.js';
import type { Sha256 } from '../../shared/io/hash.js';
import type { Swarm } from '../../shared/swarm/swarm.js';
import { startBalance } from './balance.js';
import { fetchTransfer, runHttp } from './http-source.js';
import type { HttpClient } from './http.js';
import { openPartFile, removeStaleParts } from './part-file.js';
import { resultQueue } from './result-queue.js';
import { runSwarm } from './swarm-source.js';
import {
  asDebshoalError,
  startTransfer,
  type DownloadObject,
  type DownloadResult,
  type Transfer,
} from './transfer.js';

export type { DownloadObject, DownloadResult } from './transfer.js';

export interface DownloadOptions {
  /** For unfinished objects; a later run goes on with them. */
  readonly partialFolder: string;
  readonly http: HttpClient;
  /** Null when BitTorrent is switched off or could not be started. */
  readonly swarm: Swarm | null;
  /** Peers known beforehand, `address:port`. */
  readonly peers?: readonly string[];
  /** HTTP requests at a time; default 4. */
  readonly httpConnections?: number;
  /** Torrents joined at a time; default 100. */
  readonly maxTorrents?: number;
  /** Milliseconds without progress after which peers are given up; default 30 s. */
  readonly stallMilliseconds?: number;
  readonly signal?: AbortSignal;
}

/** Objects that HTTP begins with: the part files of hundreds take a tenth of a second to open. */
const AT_FIRST = 8;

/**
 * Downloads objects over HTTP and from peers at once and yields each as soon as it is complete and
 * its SHA-256 is right, or cannot be had. HTTP begins with the first object in the list, peers with
 * all; whoever delivers a range first spares the other. One object's failure is a result; an abort
 * throws `interrupted` and leaves part files that the next call resumes.
 */
export async function* downloadObjects(
  objects: readonly DownloadObject[],
  options: DownloadOptions,
): AsyncGenerator<DownloadResult> {
  const results = resultQueue<DownloadResult>(objects.length, options.signal);
  const transfers: Transfer[] = [];
  const finishing: Promise<void>[] = [];
  const balance = options.swarm === null ? null : startBalance();
  let leaveSwarm = (): void => undefined;
  let http: Promise<void> = Promise.resolve();
  const begin = async (some: readonly DownloadObject[]): Promise<Transfer[]> => {
    const begun: Transfer[] = [];
    for (const opened of await openTransfers(some, options.partialFolder)) {
      if ('part' in opened) begun.push(opened);
      else results.push(opened);
    }
    for (const transfer of begun) {
      if (options.swarm === null) transfer.peers = 'gone';
      if (transfer.part.complete()) transfer.settle();
      if (transfer.http === 'gone' && transfer.peers === 'gone') transfer.settle();
      finishing.push(
        transfer.done.then(async () => {
          results.push(await finish(transfer, options));
        }),
      );
    }
    transfers.push(...begun);
    return begun;
  };
  try {
    const distinct = distinctObjects(objects, (twice) => {
      results.push(twice);
    });
    const ordered = options.swarm?.uploads === true ? rotated(distinct) : distinct;
    const first = await begin(ordered.slice(0, AT_FIRST));
    const others = begin(ordered.slice(AT_FIRST));
    http = runHttp(first, others, {
      client: options.http,
      connections: options.httpConnections ?? 4,
      balance,
    });
    await others;
    if (options.swarm !== null && balance !== null) {
      leaveSwarm = runSwarm(transfers, {
        swarm: options.swarm,
        balance,
        peers: options.peers ?? [],
        maxTorrents: options.maxTorrents ?? 100,
        stallMilliseconds: options.stallMilliseconds ?? 30_000,
      });
    }
    yield* results.all();
  } finally {
    leaveSwarm();
    for (const transfer of transfers) {
      transfer.stop.abort();
      transfer.settle();
    }
    await http;
    await Promise.allSettled(finishing);
    await removeStaleParts(options.partialFolder);
  }
}

function distinctObjects(
  objects: readonly DownloadObject[],
  onTwice: (result: DownloadResult) => void,
): DownloadObject[] {
  const known = new Set<Sha256>();
  return objects.filter(({ id, sha256 }) => {
    if (!known.has(sha256)) return known.add(sha256);
    const error = new DebshoalError('usage', `${id} is in the list twice`);
    onTwice({ id, ok: false, error });
    return false;
  });
}

async function openTransfers(
  objects: readonly DownloadObject[],
  folder: string,
): Promise<(Transfer | DownloadResult)[]> {
  const made = mkdir(folder, { recursive: true });
  return Promise.all(
    objects.map(async (object) => {
      try {
        await made;
        return startTransfer(object, await openPartFile(folder, object.sha256, object.size));
      } catch (error) {
        return { id: object.id, ok: false, error: asDebshoalError(error, 'io-failed') };
      }
    }),
  );
}

/**
 * From somewhere in the middle on: clients that begin at the same time with different objects have
 * something to give each other.
 */
function rotated<T>(items: readonly T[]): T[] {
  const first = Math.floor(Math.random() * items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}

/** Nobody writes any more: checks the whole, and tries once more over HTTP alone. */
async function finish(transfer: Transfer, options: DownloadOptions): Promise<DownloadResult> {
  const { object, part } = transfer;
  const { id } = object;
  try {
    const complete = part.complete();
    await stopSources(transfer);
    if (options.signal?.aborted === true || !complete) {
      const error = transfer.lastError ?? new DebshoalError('swarm-failed', 'nothing delivers it');
      return { id, ok: false, error };
    }
    if (!(await part.verify(options.signal))) await fetchAgain(transfer, options);
    await part.moveTo(object.target);
    const { peerBytes, localPart, httpBytes, startedAt } = transfer;
    const localBytes = Math.round(peerBytes * localPart);
    const seconds = (performance.now() - startedAt) / 1000;
    return { id, ok: true, path: object.target, peerBytes, localBytes, httpBytes, seconds };
  } catch (error) {
    return { id, ok: false, error: asDebshoalError(error, 'io-failed') };
  } finally {
    await part.close();
  }
}

/** What is verified must not change afterwards, so both sources have to let go of the file. */
async function stopSources(transfer: Transfer): Promise<void> {
  transfer.stop.abort();
  await Promise.all([transfer.leaveSwarm?.(), transfer.httpIdle]);
}

/**
 * The content was wrong: a lying server, a stale part file, or a torrent that is not ours. Each URL
 * gets one chance alone, so that a liar spoils nothing but its own.
 */
async function fetchAgain(transfer: Transfer, options: DownloadOptions): Promise<void> {
  const { object, part } = transfer;
  let lost: DebshoalError | null = null;
  for (const url of object.urls) {
    await part.reset();
    const again = startTransfer({ ...object, urls: [url], torrent: null }, part);
    const forward = (): void => {
      again.stop.abort();
    };
    options.signal?.addEventListener('abort', forward);
    await fetchTransfer(again, options.http);
    options.signal?.removeEventListener('abort', forward);
    transfer.peerBytes = 0;
    transfer.httpBytes = again.httpBytes;
    if (part.complete() && (await part.verify(options.signal))) return;
    if (options.signal?.aborted === true) throw new DebshoalError('interrupted', 'interrupted');
    if (!part.complete()) lost = again.lastError;
  }
  // Never resume from this.
  await part.reset();
  const what = `${object.id} has another SHA-256 than the index says`;
  throw lost ?? new DebshoalError('hash-mismatch', what);
}
