import { createHash } from 'node:crypto';

import { DebshoalError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { decodeBencode, isDictionary, type Bencoded, type BencodedDictionary } from './bencode.js';
import type { TorrentFile } from './metainfo.js';
import { pathProblem } from './names.js';
import { isPieceLength } from './pieces.js';

/** A torrent whose sizes, names and counts agree with each other and with our limits. */
export interface TorrentInfo {
  /** SHA-1 of the bencoded info dictionary, 40 hex digits. */
  readonly infoHash: string;
  readonly name: string;
  readonly pieceLength: number;
  readonly totalLength: number;
  readonly pieceCount: number;
  /** True when `files` lie in a folder called `name`. */
  readonly multiFile: boolean;
  /** BEP 27: peers may come from its trackers alone. */
  readonly private: boolean;
  /** In the order of the content; `offset` counts from the start of the content. */
  readonly files: readonly (TorrentFile & { readonly offset: number })[];
  /** Outside the info hash: whoever delivers the torrent chooses these. */
  readonly announce: readonly string[];
  readonly webSeeds: readonly string[];
}

const MAX_URLS = 64;
const MAX_URL_BYTES = 2048;

/**
 * Parses a BitTorrent v1 torrent from an untrusted source, before any library sees it: a torrent of
 * 1 TB with one hash stops WebTorrent for ever. Fails with `torrent-malformed`.
 */
export function parseTorrent(bytes: Uint8Array): TorrentInfo {
  if (bytes.length > LIMITS.torrentFileBytes) throw malformed(`${bytes.length} bytes`);
  const { value, spans, end } = decodeBencode(bytes, true);
  if (end !== bytes.length) throw malformed('data after the end');
  const top = dictionary(value, 'the torrent');
  const info = dictionary(top.get('info'), 'info');
  const span = spans.get('info');
  if (span === undefined) throw malformed('no info');
  // BEP 52: a v2 or hybrid torrent would have pad files and other hashes.
  if (info.has('meta version')) throw malformed('BitTorrent v2');

  const name = pathText(info.get('name'), 'name');
  if (name.includes('/')) throw malformed('a slash in the name');
  const pieceLength = integer(info.get('piece length'), 'piece length');
  if (!isPieceLength(pieceLength)) throw malformed(`a piece length of ${pieceLength}`);
  const multiFile = info.has('files');
  if (multiFile === info.has('length')) throw malformed('either length or files');
  const files = multiFile
    ? fileList(info.get('files'))
    : [{ path: name, length: fileLength(info.get('length')), offset: 0 }];
  const totalLength = files.reduce((sum, file) => sum + file.length, 0);
  if (totalLength > LIMITS.torrentBytes) throw malformed(`${totalLength} bytes of content`);

  const pieces = bytesOf(info.get('pieces'), 'pieces');
  const pieceCount = Math.ceil(totalLength / pieceLength);
  if (pieceCount > LIMITS.torrentPieces) throw malformed(`${pieceCount} pieces`);
  if (pieces.length !== pieceCount * 20) {
    throw malformed(`${pieces.length} bytes of hashes for ${pieceCount} pieces`);
  }
  return {
    infoHash: createHash('sha1').update(bytes.subarray(span[0], span[1])).digest('hex'),
    name,
    pieceLength,
    totalLength,
    pieceCount,
    multiFile,
    private: info.get('private') === 1,
    files,
    announce: announceUrls(top),
    webSeeds: urls(top.get('url-list')),
  };
}

function fileList(value: Bencoded | undefined): TorrentInfo['files'] {
  if (!isList(value)) throw malformed('files is no list');
  if (value.length === 0 || value.length > LIMITS.torrentFiles) {
    throw malformed(`${value.length} files`);
  }
  const seen = new Set<string>();
  let offset = 0;
  return value.map((item) => {
    const entry = dictionary(item, 'a file');
    // BEP 47 pad files do not exist on disk: WebTorrent waits for them for ever.
    if (entry.has('attr')) throw malformed('file attributes');
    const parts = entry.get('path');
    if (!isList(parts) || parts.length === 0) throw malformed('a file without a path');
    const path = parts.map((part) => pathText(part, 'a path')).join('/');
    if (
      parts.some((part) => bytesOf(part, 'a path').includes(0x2f)) ||
      pathProblem(path) !== null
    ) {
      throw malformed('a slash in a path, or a path too long');
    }
    if (seen.has(path)) throw malformed(`two files ${path}`);
    seen.add(path);
    const length = fileLength(entry.get('length'));
    offset += length;
    return { path, length, offset: offset - length };
  });
}

/** Empty files have no piece of their own, and we never publish one. */
function fileLength(value: Bencoded | undefined): number {
  const length = integer(value, 'length');
  if (length < 1) throw malformed(`a file of ${length} bytes`);
  return length;
}

function pathText(value: Bencoded | undefined, what: string): string {
  const bytes = bytesOf(value, what);
  const text = Buffer.from(bytes).toString('utf8');
  if (!Buffer.from(text).equals(bytes)) throw malformed(`${what} is not UTF-8`);
  const problem = pathProblem(text);
  if (problem !== null) throw malformed(problem);
  return text;
}

function announceUrls(top: BencodedDictionary): string[] {
  const tiers = top.get('announce-list');
  const listed = isList(tiers) ? tiers.flatMap((tier) => urls(tier)) : [];
  return [...new Set([...urls(top.get('announce')), ...listed])].slice(0, MAX_URLS);
}

/** One URL or a list of them; anything else is left out, these are only hints. */
function urls(value: Bencoded | undefined): string[] {
  const items = isList(value) ? value.slice(0, MAX_URLS) : [value];
  return items
    .filter((item) => item instanceof Uint8Array)
    .filter((item) => item.length > 0 && item.length <= MAX_URL_BYTES)
    .map((item) => Buffer.from(item).toString('utf8'));
}

function dictionary(value: Bencoded | undefined, what: string): BencodedDictionary {
  if (!isDictionary(value)) throw malformed(`${what} is no dictionary`);
  return value;
}

function integer(value: Bencoded | undefined, what: string): number {
  if (typeof value !== 'number') throw malformed(`${what} is no number`);
  return value;
}

function bytesOf(value: Bencoded | undefined, what: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw malformed(`${what} is no string`);
  return value;
}

function isList(value: Bencoded | undefined): value is readonly Bencoded[] {
  return Array.isArray(value);
}

function malformed(what: string): DebshoalError {
  return new DebshoalError('torrent-malformed', `refused torrent: ${what}`);
}
