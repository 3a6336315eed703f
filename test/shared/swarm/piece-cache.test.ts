import { expect, test } from 'vitest';

import { sharePieceCache } from '../../../shared/swarm/piece-cache.js';

const piece = (fill: number): Buffer => Buffer.alloc(10, fill);

test('the piece that nobody asked for longest goes first', () => {
  const cache = sharePieceCache(25)();
  cache.add(0, piece(0));
  cache.add(1, piece(1));
  expect(cache.get(0)).toEqual(piece(0));
  cache.add(2, piece(2));
  expect([0, 1, 2].map((index) => cache.get(index)?.[0])).toEqual([0, undefined, 2]);
});

test('caches share the room, not the pieces', () => {
  const open = sharePieceCache(25);
  const [a, b] = [open(), open()];
  a.add(0, piece(1));
  expect(b.get(0)).toBeUndefined();
  b.add(0, piece(2));
  b.add(1, piece(3));
  expect(a.get(0)).toBeUndefined();
  a.clear();
  expect(b.get(0)).toEqual(piece(2));
});

test('a piece that is added again, or is too large, takes no room twice', () => {
  const cache = sharePieceCache(25)();
  for (let i = 0; i < 5; i++) cache.add(0, piece(i));
  cache.add(1, piece(9));
  expect(cache.get(0)).toEqual(piece(4));
  cache.add(2, Buffer.alloc(100));
  expect(cache.get(2)).toBeUndefined();
});
