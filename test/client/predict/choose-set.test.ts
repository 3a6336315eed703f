import { describe, expect, it } from 'vitest';

import { chooseSet, type Choice } from '../../../client/predict/choose-set.js';

const choice = (full: number, download: number, rebuild: number, isLeft = false): Choice => ({
  full: { download: full, rebuild: 0, isLeft },
  delta: { download, rebuild, isLeft: false },
});

describe('the set that goes by delta', () => {
  it('is all for the fewest bytes, none where each would only cost time', () => {
    const slow = [choice(1, 0, 90), choice(1, 0, 90)];
    expect(chooseSet(slow, [], 2, 'bytes')).toEqual([true, true]);
    expect(chooseSet(slow, [], 2, 'time')).toEqual([false, false]);
    expect(chooseSet(slow, [], 2, 'auto')).toEqual([false, false]);
  });

  it('is some beside the downloads of others, although each alone would take longer', () => {
    const alike = Array.from({ length: 10 }, () => choice(1, 0, 2));
    const byDelta = chooseSet(alike, [], 1, 'time');
    expect(byDelta.filter(Boolean).length).toBe(3);
  });

  it('is all that are rebuilt at once, although each alone would take longer', () => {
    const alike = [choice(2, 0, 3, true), choice(2, 0, 3, true)];
    expect(chooseSet(alike, [], 2, 'time')).toEqual([true, true]);
    expect(chooseSet(alike, [], 1, 'time')).toEqual([false, false]);
  });

  it('has a small delay for fewer bytes with auto only', () => {
    const near = [choice(2, 1, 1.2)];
    expect(chooseSet(near, [], 1, 'time')).toEqual([false]);
    expect(chooseSet(near, [], 1, 'auto')).toEqual([true]);
    expect(chooseSet([choice(2, 1, 1.7)], [], 1, 'auto')).toEqual([false]);
  });

  it('counts on the downloads that have no choice', () => {
    const others = [{ download: 10, rebuild: 0, isLeft: false }];
    expect(chooseSet([choice(1, 0.5, 8)], others, 1, 'time')).toEqual([true]);
  });

  it('is found soon for a thousand packages', () => {
    const many = Array.from({ length: 1000 }, (_, i) => choice(1 + (i % 7), 0.1, 1 + (i % 5)));
    expect(chooseSet(many, [], 4, 'auto')).toHaveLength(1000);
  });
});
