import { open, type FileHandle } from 'node:fs/promises';

import type { ChunkStore } from 'webtorrent';

import { readExactly } from '../io/files.js';
import { writeExactly } from '../io/write-exactly.js';
import { pieceLengthAt, segmentsOf } from '../torrent/layout.js';
import type { TorrentInfo } from '../torrent/metainfo.js';
import { sharePieceCache } from './piece-cache.js';

/** Pieces that reach into files that nobody asked for: kept here, for they have no place on disk. */
const MAX_EDGE_BYTES = 32 * 1024 * 1024;

/** Of all torrents. */
const openPieceCache = sharePieceCache(32 * 1024 * 1024);
/** A larger piece is read block by block: somebody may ask for one block of each. */
const MAX_CACHED_PIECE = 256 * 1024;

/** Files that are still read after they were released, over open handles: their names change. */
const MAX_RELEASED = 128;

/**
 * Files of one torrent that are open to be read; a batch has hundreds. Those that are still uploaded
 * after a download are not among them.
 */
const MAX_READ = 4;

/** A store that can be told to leave a file alone. */
export interface MappedStore extends ChunkStore {
  /** Resolves when nothing more is written into the file; it can still be read to be uploaded. */
  readonly release: (file: number) => Promise<void>;
  /** The same for all files; the store gives nothing any more. */
  readonly releaseAll: () => Promise<void>;
}

export interface StoreOptions {
  /** Files of the torrent that exist on disk, by index. */
  readonly paths: ReadonlyMap<number, string>;
  readonly writable: boolean;
  /** Keep the bytes of unwanted neighbours in memory, so that whole pieces can be uploaded. */
  readonly keepEdges: boolean;
}

/**
 * WebTorrent's storage, mapped to the wanted files alone: it writes into existing files in place and
 * never creates one, so a hostile torrent has no influence on names.
 */
export function createChunkStore(info: TorrentInfo, options: StoreOptions): MappedStore {
  const paths = new Map(options.paths);
  const released = new Set<number>();
  const writes = new Set<Promise<void>>();
  const handles = new Map<number, Promise<FileHandle>>();
  const edges = new Map<number, Buffer>();
  const cache = openPieceCache();
  const reading = new Map<number, Promise<Buffer>>();
  let edgeBytes = 0;
  let closed = false;

  const handleOf = (file: number): Promise<FileHandle> | null => {
    const path = paths.get(file);
    if (path === undefined || closed) return null;
    const known = handles.get(file);
    if (known !== undefined) {
      // The last one used is the last one closed.
      handles.delete(file);
      handles.set(file, known);
      return known;
    }
    if (!options.writable && handles.size >= MAX_READ) closeOldest();
    const opened = open(path, options.writable ? 'r+' : 'r');
    handles.set(file, opened);
    // A file that could not be opened is tried again at the next piece.
    opened.catch(() => handles.delete(file));
    return opened;
  };

  const closeOldest = (): void => {
    const [oldest] = handles.keys();
    if (oldest === undefined) return;
    const handle = handles.get(oldest);
    handles.delete(oldest);
    // Reads that have begun are waited for.
    handle?.then((opened) => opened.close()).catch(() => undefined);
  };

  const put = async (index: number, bytes: Uint8Array): Promise<void> => {
    // Only to be uploaded.
    if (options.keepEdges) cache.add(index, asBuffer(bytes));
    for (const { file, fileOffset, pieceOffset, length } of segmentsOf(info, index)) {
      const handle = released.has(file) ? null : await handleOf(file);
      if (handle !== null) {
        await writeExactly(handle, bytes.subarray(pieceOffset, pieceOffset + length), fileOffset);
      } else if (options.keepEdges && !edges.has(index) && edgeBytes < MAX_EDGE_BYTES) {
        edges.set(index, Buffer.from(bytes));
        edgeBytes += bytes.length;
      }
    }
  };

  const read = async (index: number, offset: number, length: number): Promise<Buffer> => {
    const edge = edges.get(index);
    if (edge !== undefined) return edge.subarray(offset, offset + length);
    const parts: Buffer[] = [];
    for (const segment of segmentsOf(info, index)) {
      const from = Math.max(offset, segment.pieceOffset);
      const to = Math.min(offset + length, segment.pieceOffset + segment.length);
      if (from >= to) continue;
      const handle = await handleOf(segment.file);
      if (handle === null) throw new Error('not in the store');
      parts.push(
        await readExactly(handle, segment.fileOffset + from - segment.pieceOffset, to - from),
      );
    }
    return Buffer.concat(parts);
  };

  /** The piece of a block: only whole ones are ever read to be verified. */
  const readVerified = (index: number): Promise<Buffer> => {
    const known = reading.get(index);
    if (known !== undefined) return known;
    const piece = read(index, 0, pieceLengthAt(info, index));
    reading.set(index, piece);
    const forget = (): boolean => reading.delete(index);
    piece.then((bytes) => {
      if (!closed) cache.add(index, bytes);
      forget();
    }, forget);
    return piece;
  };

  const getBlock = async (index: number, offset: number, length: number): Promise<Buffer> => {
    const known = cache.get(index);
    const isPart = length < pieceLengthAt(info, index) && info.pieceLength <= MAX_CACHED_PIECE;
    const block =
      known === undefined && !isPart
        ? await read(index, offset, length)
        : (known ?? (await readVerified(index))).subarray(offset, offset + length);
    // A peer may ask for bytes behind the end.
    if (block.length !== length) throw new Error('not in the torrent');
    return block;
  };

  const close = async (): Promise<void> => {
    closed = true;
    edges.clear();
    cache.clear();
    await Promise.allSettled(writes);
    const open = [...handles.values()];
    handles.clear();
    for (const handle of await Promise.allSettled(open)) {
      if (handle.status === 'fulfilled') await handle.value.close();
    }
  };

  const release = async (file: number): Promise<void> => {
    released.add(file);
    await Promise.allSettled(writes);
    if (options.keepEdges && released.size <= MAX_RELEASED) {
      await handleOf(file)?.catch(() => undefined);
      return;
    }
    paths.delete(file);
    const handle = await handles.get(file)?.catch(() => undefined);
    handles.delete(file);
    await handle?.close();
  };

  return {
    release,
    releaseAll: close,
    chunkLength: info.pieceLength,
    put: (index, bytes, done) => {
      const write = put(index, bytes);
      writes.add(write);
      settle(write, (error) => {
        writes.delete(write);
        done(error);
      });
    },
    get: (index, range, done) => {
      const { offset = 0, length = pieceLengthAt(info, index) - offset } = range ?? {};
      settle(getBlock(index, offset, length), done);
    },
    close: (done) => {
      settle(close(), done);
    },
    destroy: (done) => {
      settle(close(), done);
    },
  };
}

function settle<T>(promise: Promise<T>, done: (error: Error | null, value?: T) => void): void {
  promise.then(
    (value) => {
      done(null, value);
    },
    (error: unknown) => {
      done(error instanceof Error ? error : new Error(String(error)));
    },
  );
}

function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}
