import { LIMITS } from '../limits.js';

const MIN_PIECE_LENGTH = 16 * 1024;
const MAX_PIECE_LENGTH = 16 * 1024 * 1024;

/**
 * Each piece is a message to every peer of a crowd, so a single file has few hundred of them; but one
 * must not take long on a slow line, so larger files have more of this length.
 */
const FEW_PIECES = 256;
const USUAL_PIECE_LENGTH = 256 * 1024;
const MANY_PIECES = 4096;

/** Batches of small files: a client that wants one file downloads up to two pieces too much. */
const MAX_BATCH_PIECE_LENGTH = 64 * 1024;

/**
 * The piece length for content of `totalBytes` in `fileCount` files: 256 pieces and more for a
 * single file, about four pieces a file for a batch, always within the limits of a torrent.
 */
export function pieceLengthFor(totalBytes: number, fileCount = 1): number {
  const wanted =
    fileCount === 1
      ? Math.max(Math.min(totalBytes / FEW_PIECES, USUAL_PIECE_LENGTH), totalBytes / MANY_PIECES)
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
