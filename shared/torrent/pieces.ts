import { LIMITS } from '../limits.js';

const MIN_PIECE_LENGTH = 16 * 1024;
const MAX_PIECE_LENGTH = 16 * 1024 * 1024;

/** Batches of small files: a client that wants one file downloads up to two pieces too much. */
const MAX_BATCH_PIECE_LENGTH = 64 * 1024;

/**
 * The piece length for content of `totalBytes` in `fileCount` files: about a thousand pieces for a
 * single file, about four pieces a file for a batch, always within the limits of a torrent.
 */
export function pieceLengthFor(totalBytes: number, fileCount = 1): number {
  const wanted =
    fileCount === 1
      ? totalBytes / 1024
      : Math.min(totalBytes / fileCount / 4, MAX_BATCH_PIECE_LENGTH);
  let length = MIN_PIECE_LENGTH;
  while (length < MAX_PIECE_LENGTH && (length * 2 <= wanted || tooManyPieces(totalBytes, length))) {
    length *= 2;
  }
  return length;
}

/** True when a torrent must not have this many pieces. */
export function tooManyPieces(totalBytes: number, pieceLength: number): boolean {
  return Math.ceil(totalBytes / pieceLength) > LIMITS.torrentPieces;
}

/** True for a power of two between 16 KiB and 16 MiB. */
export function isPieceLength(length: number): boolean {
  return (
    Number.isSafeInteger(length) &&
    length >= MIN_PIECE_LENGTH &&
    length <= MAX_PIECE_LENGTH &&
    (length & (length - 1)) === 0
  );
}
