import { describe, expect, it } from 'vitest';

import { median } from '../../shared/median.js';

describe('median', () => {
  it.each<[number[], number | null]>([
    [[], null],
    [[3], 3],
    [[9, 1, 5], 5],
    [[1, 2, 10, 4], 3],
    [[1, Infinity, Infinity], Infinity],
  ])('of %j is %j', (numbers, expected) => {
    expect(median(numbers)).toBe(expected);
  });
});
