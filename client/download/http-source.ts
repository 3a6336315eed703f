import type { ByteRange } from '../../shared/io/byte-ranges.js';
import { DebshoalError } from '../../shared/errors.js';
import { fetchRange, type HttpClient } from './http.js';
import { loseSource, update, type Transfer } from './transfer.js';

/** Peers are not asked for the chunk that HTTP fetches, so it starts small for slow servers. */
const FIRST_CHUNK = 256 * 1024;
const LARGEST_CHUNK = 8 * 1024 * 1024;
/** A chunk that came faster than this was too small: each request costs a round trip. */
const QUICK = 400;

/** Fetches the transfers in order over HTTP, `connections` at a time, until all are settled. */
export async function runHttp(
  transfers: readonly Transfer[],
  client: HttpClient,
  connections: number,
): Promise<void> {
  const queue = transfers.filter((transfer) => transfer.http === 'waiting').values();
  const worker = async (): Promise<void> => {
    for (const transfer of queue) {
      transfer.httpIdle = fetchTransfer(transfer, client);
      await transfer.httpIdle;
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
}

/** Fetches what is missing of one object, from its URLs in order. Never fails. */
export async function fetchTransfer(transfer: Transfer, client: HttpClient): Promise<void> {
  const { object } = transfer;
  const stopped = (): boolean => transfer.stop.signal.aborted;
  if (stopped()) return;
  transfer.http = 'working';
  let error: unknown = new DebshoalError('http-failed', `${object.id} has no URL`);
  for (const url of object.urls) {
    try {
      await fetchFrom(url, transfer, client);
      return;
    } catch (caught) {
      error = caught;
    }
    if (stopped()) return;
  }
  loseSource(transfer, 'http', error);
}

async function fetchFrom(url: string, transfer: Transfer, client: HttpClient): Promise<void> {
  const { part, object, stop } = transfer;
  let chunk = FIRST_CHUNK;
  try {
    for (;;) {
      const range = nextRange(transfer, chunk);
      if (range === undefined || stop.signal.aborted) return;
      transfer.claimed = range;
      transfer.wantsChanged();
      const startedAt = performance.now();
      const write = async (offset: number, bytes: Buffer): Promise<void> => {
        transfer.httpBytes += await part.write(offset, bytes);
        update(transfer);
      };
      await fetchRange(client, { url, ...range, size: object.size, write }, stop.signal);
      if (performance.now() - startedAt < QUICK) chunk = Math.min(chunk * 2, LARGEST_CHUNK);
    }
  } finally {
    transfer.claimed = null;
    transfer.wantsChanged();
  }
}

/** The next bytes to fetch, at most `chunk`: downwards from where peers began, cyclically. */
function nextRange({ part, pivot, peers }: Transfer, chunk: number): ByteRange | undefined {
  const missing = part.missing();
  if (peers === 'gone') {
    const first = missing[0];
    return first && { start: first.start, end: Math.min(first.end, first.start + chunk) };
  }
  const below = missing.findLast(({ start }) => start < pivot);
  const gap = below ?? missing.at(-1);
  if (gap === undefined) return undefined;
  const end = below === undefined ? gap.end : Math.min(gap.end, pivot);
  return { start: Math.max(gap.start, end - chunk), end };
}
