import { expect, test } from 'vitest';

import { MatchList } from '../../../generator/diff/match-list.js';

test('matches of stretches are moved to where the stretches lie', () => {
  const list = new MatchList();
  list.add(0, 7, 3);
  const stretch = {
    newAt: Uint32Array.of(1, 5),
    oldAt: Uint32Array.of(2, 0),
    length: Uint32Array.of(4, 6),
  };
  list.addMoved(stretch, 100, 1000);
  expect(list.finish()).toEqual({
    newAt: Uint32Array.of(0, 101, 105),
    oldAt: Uint32Array.of(7, 1002, 1000),
    length: Uint32Array.of(3, 4, 6),
  });
});

test('there may be more matches than a call takes arguments', () => {
  const count = 300_000;
  const column = Uint32Array.from({ length: count }, (_, i) => i);
  const list = new MatchList();
  list.addMoved({ newAt: column, oldAt: column, length: column }, 1, 2);
  const { newAt, oldAt, length } = list.finish();
  expect([newAt.length, oldAt.length, length.length]).toEqual([count, count, count]);
  expect([newAt[count - 1], oldAt[count - 1], length[count - 1]]).toEqual([
    count,
    count + 1,
    count - 1,
  ]);
});
