import { expect, test } from 'vitest';

import { matchPlain } from '../../../generator/diff/match-plain.js';
import { DebshoalError } from '../../../shared/errors.js';
import { findMatches } from '../../../shared/kernel/find-matches.js';
import { noise } from '../../support/chunks.js';

const files = [1, 2, 3, 4].map((seed) => noise(1000, seed));
const old = files.map((bytes, i) => ({ at: 5000 * i, bytes }));
const fresh = files.map((bytes, i) => ({ at: 1000 * i, bytes }));

function upTo(most: number): typeof findMatches {
  return (oldBytes, newBytes) => {
    if (oldBytes.length > most) throw new DebshoalError('limit-exceeded', 'too large');
    return findMatches(oldBytes, newBytes);
  };
}

test.each([4000, 2000, 1000])('files are matched in parts of at most %d bytes', (most) => {
  const found = matchPlain(fresh, old, upTo(most));
  expect([...found.keys()]).toEqual([0, 1000, 2000, 3000]);
  for (const [at, { matches, residual }] of found) {
    expect(matches.newAt).toEqual(Uint32Array.of(0));
    expect(matches.oldAt).toEqual(Uint32Array.of(5 * at));
    expect(matches.length).toEqual(Uint32Array.of(1000));
    expect(residual.every((byte) => byte === 0)).toBe(true);
  }
});

test('files that are too large one by one are new', () => {
  const found = matchPlain(fresh, old, upTo(999));
  for (const [at, { matches, residual }] of found) {
    expect(matches.newAt).toHaveLength(0);
    expect(Buffer.from(residual).equals(files[at / 1000] ?? Buffer.alloc(0))).toBe(true);
  }
});

test('other errors go on', () => {
  const failing = () => {
    throw new Error('a bug');
  };
  expect(() => matchPlain(fresh, old, failing)).toThrow('a bug');
});
