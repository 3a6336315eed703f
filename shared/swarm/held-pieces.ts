import { createHash } from 'node:crypto';

import type { ChunkStore, Torrent } from 'webtorrent';

import { addRange, type ByteRange, type ByteRanges } from '../io/byte-ranges.js';
import { piecesOf, segmentsOf } from '../torrent/layout.js';
import type { TorrentInfo } from '../torrent/metainfo.js';

export interface HeldPieces {
  /** Bytes of a file that others than peers have written. */
  readonly add: (file: number, range: ByteRange) => void;
}

/**
 * Offers to peers what came over HTTP. A piece that is held in full is read back and checked against
 * the torrent; one that differs is left alone, the SHA-256 of the whole decides about it later.
 */
export function offerHeldPieces(
  torrent: Torrent,
  info: TorrentInfo,
  store: ChunkStore,
): HeldPieces {
  const held = new Map<number, ByteRanges>();
  const queue: number[] = [];
  let working = false;

  const isHeld = (index: number): boolean =>
    segmentsOf(info, index).every(({ file, fileOffset, length }) =>
      (held.get(file) ?? []).some(
        ({ start, end }) => start <= fileOffset && end >= fileOffset + length,
      ),
    );
  const isWanted = (index: number): boolean => !torrent.destroyed && torrent.pieces[index] !== null;

  const check = async (): Promise<void> => {
    if (working || !torrent.ready) return;
    working = true;
    for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
      if (!isWanted(index)) continue;
      const bytes = await read(store, index);
      const matches =
        bytes !== null && createHash('sha1').update(bytes).digest('hex') === torrent._hashes[index];
      if (!matches || !isWanted(index)) continue;
      torrent._markVerified(index);
      for (const wire of torrent.wires) wire.have(index);
    }
    working = false;
  };
  torrent.once('ready', () => void check());

  return {
    add: (file, range) => {
      held.set(file, addRange(held.get(file) ?? [], range));
      for (const { first, last } of piecesOf(info, file, [range])) {
        for (let index = first; index <= last; index++) {
          if (torrent.pieces[index] !== null && isHeld(index)) queue.push(index);
        }
      }
      void check();
    },
  };
}

function read(store: ChunkStore, index: number): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    store.get(index, null, (error, bytes) => {
      resolve(error === null ? (bytes ?? null) : null);
    });
  });
}
