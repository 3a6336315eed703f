import { describe, expect, it } from 'vitest';

import { indexOld } from '../../../shared/kernel/find-matches.js';
import { noise } from '../../support/chunks.js';

/*
 * Bytes that make bsdiff's own search take days: long runs and short periods, where every suffix
 * shares almost everything with its neighbours. Work is counted in compared bytes, not in seconds.
 */

const SIZE = 2_000_000;

/** Compared bytes for each new byte; real packages need under 20. */
const MOST_WORK = 100;

const zeros = Buffer.alloc(SIZE);

function repeated(unit: string, size = SIZE): Buffer {
  return Buffer.alloc(size, unit, 'latin1');
}

/** A copy with a byte changed every `step` bytes. */
function dotted(bytes: Buffer, step: number, value = 255): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = step; at < copy.length; at += step) copy[at] = value;
  return copy;
}

const cases: readonly (readonly [name: string, oldBytes: Buffer, newBytes: Buffer])[] = [
  ['zeros on both sides', zeros, zeros],
  ['zeros against more zeros', zeros, Buffer.alloc(2 * SIZE)],
  ['zeros against ones', zeros, Buffer.alloc(SIZE, 1)],
  ['zeros against zeros with a dot every 100', zeros, dotted(zeros, 100)],
  ['zeros against zeros with a dot every 5', zeros, dotted(zeros, 5)],
  ['dots every 1000 against every 999', dotted(zeros, 1000), dotted(zeros, 999)],
  ['dots every 40 against every 41', dotted(zeros, 40), dotted(zeros, 41)],
  ['dots against other dots', dotted(zeros, 300, 1), dotted(zeros, 300, 2)],
  ['a period of three', repeated('abc'), repeated('abc')],
  ['a period of three, one byte apart', repeated('abc'), repeated('bca')],
  ['a period of three against one of two', repeated('abc'), repeated('ab')],
  ['a period of three, with dots', repeated('abc'), dotted(repeated('abc'), 50)],
  [
    'a period of three, dots on both sides',
    dotted(repeated('abc'), 70),
    dotted(repeated('abc'), 71),
  ],
  ['noise one byte apart', noise(SIZE), noise(SIZE + 1).subarray(1)],
  ['unrelated noise', noise(SIZE, 1), noise(SIZE, 2)],
  [
    'a long period, with dots',
    Buffer.alloc(SIZE, noise(5_000)),
    dotted(Buffer.alloc(SIZE, noise(5_000)), 700),
  ],
  [
    'one good copy among many with a dot',
    Buffer.concat([dotted(repeated('abcd'), 1_000), repeated('abcd', 500_000)]),
    repeated('abcd'),
  ],
];

describe('hostile repetition', () => {
  it.each(cases)('%s: work stays in proportion', (_name, oldBytes, newBytes) => {
    const index = indexOld(oldBytes);
    index.match(newBytes);
    expect(index.comparedBytes()).toBeLessThan(MOST_WORK * newBytes.length);
  });
});
