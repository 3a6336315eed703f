import { createHash } from 'node:crypto';

import { DebshoalError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { encodeBencode, type Encodable } from './bencode.js';
import { pathProblem } from './names.js';
import { isPieceLength, tooManyPieces } from './pieces.js';

export { parseTorrent, type TorrentInfo } from './parse-torrent.js';
export { pieceLengthFor } from './pieces.js';

/** A file of a torrent; `path` is relative, with `/` between its parts. */
export interface TorrentFile {
  readonly path: string;
  readonly length: number;
}

export interface TorrentSource {
  /** The name of the only file (its path must equal it), or of the folder of several files. */
  readonly name: string;
  readonly files: readonly TorrentFile[];
  /** A power of two, see `pieceLengthFor`. */
  readonly pieceLength: number;
  readonly announce: readonly string[];
  /** BEP 19: URLs of the file, or of the folder that holds the torrent's folder. */
  readonly webSeeds: readonly string[];
  /** The content of all files, one after the other. */
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Makes a BitTorrent v1 torrent (BEP 3): bencoded, keys in order, without dates or pad files, so
 * that the same content always gives the same bytes. Fails with `torrent-malformed` when names,
 * lengths or the content do not fit together.
 */
export async function createTorrent(
  source: TorrentSource,
): Promise<{ torrent: Buffer; infoHash: string }> {
  const { name, files, pieceLength, announce, webSeeds } = source;
  const total = checkSource(source);
  const pieces = await hashPieces(source.content, pieceLength, total);
  const single = files.length === 1 && files[0]?.path === name;
  const info: Encodable = {
    name,
    'piece length': pieceLength,
    pieces,
    length: single ? total : undefined,
    files: single
      ? undefined
      : files.map(({ path, length }) => ({ length, path: path.split('/') })),
  };
  const torrent = encodeBencode({
    announce: announce[0],
    // BEP 12: each tracker a tier of its own, so that clients try them in this order.
    'announce-list': announce.length > 1 ? announce.map((url) => [url]) : undefined,
    info,
    'url-list': webSeeds.length > 0 ? webSeeds : undefined,
  });
  if (torrent.length > LIMITS.torrentFileBytes) throw malformed('the torrent file is too large');
  return { torrent, infoHash: createHash('sha1').update(encodeBencode(info)).digest('hex') };
}

function checkSource({ name, files, pieceLength }: TorrentSource): number {
  if (!isPieceLength(pieceLength)) throw malformed(`a piece length of ${pieceLength}`);
  const names = [...files.map((file) => file.path)];
  for (const path of [name, ...names]) {
    const problem = pathProblem(path);
    if (problem !== null) throw malformed(problem);
  }
  if (name.includes('/')) throw malformed('a slash in the name of the torrent');
  if (files.length === 0 || files.length > LIMITS.torrentFiles) {
    throw malformed(`${files.length} files`);
  }
  if (new Set(names).size !== names.length) throw malformed('two files of the same path');
  let total = 0;
  for (const { path, length } of files) {
    if (!Number.isSafeInteger(length) || length < 1) throw malformed(`${path}: ${length} bytes`);
    total += length;
  }
  if (total > LIMITS.torrentBytes || tooManyPieces(total, pieceLength)) {
    throw malformed(`${total} bytes in pieces of ${pieceLength}`);
  }
  return total;
}

async function hashPieces(
  content: AsyncIterable<Uint8Array>,
  pieceLength: number,
  total: number,
): Promise<Buffer> {
  const digests: Buffer[] = [];
  let hash = createHash('sha1');
  let inPiece = 0;
  let done = 0;
  for await (const chunk of content) {
    done += chunk.length;
    if (done > total) break;
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + pieceLength - inPiece);
      hash.update(part);
      at += part.length;
      inPiece += part.length;
      if (inPiece === pieceLength) {
        digests.push(hash.digest());
        hash = createHash('sha1');
        inPiece = 0;
      }
    }
  }
  if (done !== total) throw malformed(`content of ${done} bytes, files of ${total}`);
  if (inPiece > 0) digests.push(hash.digest());
  return Buffer.concat(digests);
}

function malformed(what: string): DebshoalError {
  return new DebshoalError('torrent-malformed', `cannot make a torrent: ${what}`);
}
