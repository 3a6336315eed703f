import type { ByteRange, ByteRanges } from '../io/byte-ranges.js';
import { lastAtOrBefore } from '../last-at-or-before.js';
import type { TorrentInfo } from './parse-torrent.js';

/** The part of a piece that lies in one file. */
export interface Segment {
  /** Index into `info.files`. */
  readonly file: number;
  readonly fileOffset: number;
  readonly pieceOffset: number;
  readonly length: number;
}

/** Pieces `first` to `last`, both inclusive. */
export interface PieceRun {
  readonly first: number;
  readonly last: number;
}

/** The length of piece `index`: the last one is shorter. */
export function pieceLengthAt(info: TorrentInfo, index: number): number {
  return Math.min(info.pieceLength, info.totalLength - index * info.pieceLength);
}

/** The parts of files that piece `index` is made of, in order. */
export function segmentsOf(info: TorrentInfo, index: number): Segment[] {
  const start = index * info.pieceLength;
  const end = start + pieceLengthAt(info, index);
  const segments: Segment[] = [];
  // A batch has thousands of files, and this runs for every block served.
  const first = lastAtOrBefore(info.files, start, (file) => file.offset);
  for (let file = first; file < info.files.length; file++) {
    const { offset, length } = info.files[file] ?? { offset: end, length: 0 };
    if (offset >= end) break;
    const from = Math.max(offset, start);
    const to = Math.min(offset + length, end);
    segments.push({
      file,
      fileOffset: from - offset,
      pieceOffset: from - start,
      length: to - from,
    });
  }
  return segments;
}

/** The pieces that lie in some of the files alone. */
export function wholePieces(info: TorrentInfo, files: ReadonlySet<number>): number[] {
  const whole: number[] = [];
  for (let first = 0; first < info.files.length; first++) {
    if (!files.has(first)) continue;
    let last = first;
    while (files.has(last + 1)) last++;
    const start = info.files[first]?.offset ?? 0;
    const end = (info.files[last]?.offset ?? 0) + (info.files[last]?.length ?? 0);
    let next = Math.ceil(start / info.pieceLength);
    // The last piece of all is shorter.
    while (next < info.pieceCount && next * info.pieceLength + pieceLengthAt(info, next) <= end) {
      whole.push(next++);
    }
    first = last;
  }
  return whole;
}

/** The pieces that touch `ranges` of file `file`, as runs. */
export function piecesOf(info: TorrentInfo, file: number, ranges: ByteRanges): PieceRun[] {
  const offset = info.files[file]?.offset ?? 0;
  return ranges.map(({ start, end }: ByteRange) => ({
    first: Math.floor((offset + start) / info.pieceLength),
    last: Math.floor((offset + end - 1) / info.pieceLength),
  }));
}

/** The same pieces in as few runs as possible. */
export function mergeRuns(runs: readonly PieceRun[]): PieceRun[] {
  const merged: PieceRun[] = [];
  for (const run of [...runs].sort((a, b) => a.first - b.first)) {
    const previous = merged.at(-1);
    if (previous !== undefined && run.first <= previous.last + 1) {
      merged[merged.length - 1] = {
        first: previous.first,
        last: Math.max(previous.last, run.last),
      };
    } else {
      merged.push(run);
    }
  }
  return merged;
}
