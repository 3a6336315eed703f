import type { ByteRange, ByteRanges } from '../../shared/io/byte-ranges.js';
import { commonRanges, removeRanges } from '../../shared/io/byte-ranges.js';
import type { Transfer } from './transfer.js';

/** Peers are not asked for the chunk that HTTP fetches, so it starts small for slow servers. */
export const FIRST_CHUNK = 256 * 1024;

/** What to ask a server for. */
export interface Chosen {
  readonly range: ByteRange;
  /** What peers need not be asked for meanwhile. */
  readonly claim: ByteRange;
  /** Nobody else works at the object: the claim moves along, and the request may end early. */
  readonly isStream: boolean;
  /**
   * 0: nobody else fetches it; 1: another client is to, or nobody knows yet; 2: peers have it. The
   * lowest is fetched first.
   */
  readonly rank: 0 | 1 | 2;
}

/** Whether no peer is connected that could give anything of the object. */
function isAlone({ peers, supply }: Transfer): boolean {
  return peers === 'gone' || supply === null || supply.peers === 0;
}

/**
 * What HTTP is to fetch next of an object; null: nothing now. While it races, HTTP fetches what no
 * peer has and then all that is missing; else only what falls to this client of what no peer has.
 * Peers that are `silent` are as good as none.
 */
export function chooseRange(
  transfer: Transfer,
  chunk: number,
  racing: boolean,
  silent = false,
): Chosen | null {
  const missing = transfer.part.missing();
  const { supply } = transfer;
  if (silent || isAlone(transfer) || supply === null) return stream(transfer, missing, chunk);
  const ours = below(commonRanges(missing, supply.ours), transfer.pivot);
  if (ours !== undefined) {
    // Beyond it is another client's share, which a fast server may as well give us.
    const most = racing ? Math.max(chunk, FIRST_CHUNK) : FIRST_CHUNK;
    return single(lastPart(ours, most), 0);
  }
  if (!racing) return null;
  const unoffered = below(removeRanges(missing, supply.offered), transfer.pivot);
  if (unoffered !== undefined) return single(lastPart(unoffered, FIRST_CHUNK), 1);
  const any = below(missing, transfer.pivot);
  return any === undefined ? null : single(lastPart(any, chunk), 2);
}

/** From below where peers are to begin, to the end of the gap. */
function stream(
  { pivot, peers, supply, object }: Transfer,
  missing: ByteRanges,
  chunk: number,
): Chosen | null {
  const from = peers === 'gone' || object.size <= 2 * FIRST_CHUNK ? 0 : alignDown(pivot / 2);
  const gap = missing.find(({ end }) => end > from) ?? missing[0];
  if (gap === undefined) return null;
  const start = gap.end > from ? Math.max(gap.start, from) : gap.start;
  const claim = { start, end: Math.min(start + chunk, gap.end) };
  const isKnown = peers === 'gone' || supply !== null;
  return { range: { start, end: gap.end }, claim, isStream: true, rank: isKnown ? 0 : 1 };
}

/** The range next below `pivot`, cyclically: peers go up from there, so they meet only once. */
function below(ranges: ByteRanges, pivot: number): ByteRange | undefined {
  const found = ranges.findLast(({ start }) => start < pivot);
  if (found === undefined) return ranges.at(-1);
  return { start: found.start, end: Math.min(found.end, pivot) };
}

/** The last bytes of a range, at most `length`, from a round offset on: pieces begin there. */
function lastPart({ start, end }: ByteRange, length: number): ByteRange {
  return { start: Math.max(start, Math.min(alignDown(end - 1), alignUp(end - length))), end };
}

function single(range: ByteRange, rank: Chosen['rank']): Chosen {
  return { range, claim: range, isStream: false, rank };
}

export function alignDown(offset: number): number {
  return Math.floor(offset / FIRST_CHUNK) * FIRST_CHUNK;
}

function alignUp(offset: number): number {
  return Math.ceil(offset / FIRST_CHUNK) * FIRST_CHUNK;
}
