import fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  mergeRuns,
  pieceLengthAt,
  piecesOf,
  segmentsOf,
  wholePieces,
} from '../../../shared/torrent/layout.js';
import type { TorrentInfo } from '../../../shared/torrent/metainfo.js';

const PIECE = 16;

const infos = fc
  .array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 })
  .map((lengths): TorrentInfo => {
    let totalLength = 0;
    const files = lengths.map((length, i) => {
      totalLength += length;
      return { path: `f${i}`, length, offset: totalLength - length };
    });
    return {
      infoHash: '',
      name: 'x',
      pieceLength: PIECE,
      totalLength,
      pieceCount: Math.ceil(totalLength / PIECE),
      multiFile: true,
      private: false,
      files,
      announce: [],
      webSeeds: [],
    };
  });

test('the segments of all pieces are all bytes of all files, once', () => {
  fc.assert(
    fc.property(infos, (info) => {
      const covered = info.files.map(() => 0);
      for (let index = 0; index < info.pieceCount; index++) {
        let inPiece = 0;
        for (const { file, fileOffset, pieceOffset, length } of segmentsOf(info, index)) {
          expect(pieceOffset).toBe(inPiece);
          expect(fileOffset).toBe(covered[file]);
          covered[file] = fileOffset + length;
          inPiece += length;
        }
        expect(inPiece).toBe(pieceLengthAt(info, index));
      }
      expect(covered).toEqual(info.files.map(({ length }) => length));
    }),
  );
});

test('a piece number behind the end has no segments of any length', () => {
  fc.assert(
    fc.property(infos, fc.nat(10), (info, more) => {
      const segments = segmentsOf(info, info.pieceCount + more);
      expect(segments.every(({ length }) => length <= 0)).toBe(true);
    }),
  );
});

test('the pieces of a file are those with a segment in it', () => {
  fc.assert(
    fc.property(infos, fc.nat(11), (info, chosen) => {
      const file = chosen % info.files.length;
      const whole = [{ start: 0, end: info.files[file]?.length ?? 0 }];
      const [run] = piecesOf(info, file, whole);
      for (let index = 0; index < info.pieceCount; index++) {
        const touches = segmentsOf(info, index).some((segment) => segment.file === file);
        expect(touches).toBe(run !== undefined && index >= run.first && index <= run.last);
      }
    }),
  );
});

test('merged runs hold the same pieces, with gaps between them', () => {
  const runs = fc.array(
    fc.tuple(fc.nat(30), fc.nat(5)).map(([first, more]) => ({ first, last: first + more })),
  );
  const pieces = (list: readonly { first: number; last: number }[]): number[] => [
    ...new Set(
      list.flatMap(({ first, last }) =>
        Array.from({ length: last - first + 1 }, (_, i) => first + i),
      ),
    ),
  ];
  fc.assert(
    fc.property(runs, (list) => {
      const merged = mergeRuns(list);
      expect(pieces(merged)).toEqual(pieces(list).sort((a, b) => a - b));
      for (const [i, { first }] of merged.entries()) {
        expect(first).toBeGreaterThan((merged[i - 1]?.last ?? -2) + 1);
      }
    }),
  );
});

test('whole pieces have all their segments in the files', () => {
  fc.assert(
    fc.property(infos, fc.uniqueArray(fc.nat(11)), (info, some) => {
      const files = new Set(some.filter((index) => index < info.files.length));
      const expected = Array.from({ length: info.pieceCount }, (_, index) => index).filter(
        (index) => segmentsOf(info, index).every(({ file }) => files.has(file)),
      );
      expect(wholePieces(info, files)).toEqual(expected);
    }),
  );
});
