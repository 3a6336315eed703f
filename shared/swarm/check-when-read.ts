import { createHash } from 'node:crypto';

import type { MappedStore } from './chunk-store.js';

export interface CheckOptions {
  readonly pieceCount: number;
  /** SHA-1 of a piece, in hexadecimal. */
  readonly hashOf: (index: number) => string | undefined;
  /** A piece is gone, or is not what its torrent says; it is not given away. */
  readonly onDiffer: () => void;
}

/**
 * A store whose pieces are checked when they are first read, not all before the first byte: who asks
 * for a block of a large file would wait for its whole.
 */
export function checkWhenRead(store: MappedStore, options: CheckOptions): MappedStore {
  const checked = new Uint8Array(options.pieceCount);
  return {
    ...store,
    get: (index, range, done) => {
      if (checked[index] === 1) {
        store.get(index, range, done);
        return;
      }
      store.get(index, null, (error, piece) => {
        if (error !== null || piece === undefined) {
          done(error ?? new Error('not in the store'));
          options.onDiffer();
          return;
        }
        if (createHash('sha1').update(piece).digest('hex') !== options.hashOf(index)) {
          done(new Error('the file differs from the torrent'));
          options.onDiffer();
          return;
        }
        checked[index] = 1;
        const offset = range?.offset ?? 0;
        const length = range?.length ?? piece.length - offset;
        const block = piece.subarray(offset, offset + length);
        // A peer may ask for bytes behind the end.
        if (block.length === length) done(null, block);
        else done(new Error('not in the torrent'));
      });
    },
  };
}
