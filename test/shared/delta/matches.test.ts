import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  decodeMatches,
  encodeMatches,
  matchesWithin,
  type Matches,
} from '../../../shared/delta/matches.js';
import { ByteWriter } from '../../../shared/io/byte-codec.js';
import { thrownCode } from '../../support/error-code.js';

const rows = fc.array(
  fc.record({ gap: fc.nat(300), length: fc.nat(5000), oldAt: fc.nat(2 ** 31) }),
  { maxLength: 40 },
);

function fromRows(all: readonly { gap: number; length: number; oldAt: number }[]): Matches {
  let end = 0;
  const newAt = all.map(({ gap, length }) => {
    const at = end + gap;
    end = at + length;
    return at;
  });
  return {
    newAt: Uint32Array.from(newAt),
    oldAt: Uint32Array.from(all, ({ oldAt }) => oldAt),
    length: Uint32Array.from(all, ({ length }) => length),
  };
}

const MAX = 2 ** 32 - 1;

describe('columns of matches', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(rows, (all) => {
        const matches = fromRows(all);
        expect(decodeMatches(encodeMatches(matches), MAX, MAX)).toEqual(matches);
      }),
    );
  });

  const one = fromRows([{ gap: 5, length: 10, oldAt: 7 }]);

  it('are refused where a match leaves the new or the old bytes', () => {
    const columns = encodeMatches(one);
    expect(decodeMatches(columns, 15, 17)).toEqual(one);
    expect(thrownCode(() => decodeMatches(columns, 14, 17))).toBe('delta-damaged');
    expect(thrownCode(() => decodeMatches(columns, 15, 16))).toBe('delta-damaged');
  });

  it('are refused with a step before the start of the old bytes', () => {
    const step = new ByteWriter();
    step.signedVarint(-1);
    const columns = { ...encodeMatches(one), step: step.finish() };
    expect(thrownCode(() => decodeMatches(columns, MAX, MAX))).toBe('delta-damaged');
  });

  it('are refused when they have different numbers of rows', () => {
    const { gap, length, step } = encodeMatches(one);
    const none = Buffer.alloc(0);
    for (const columns of [
      { gap: none, length, step },
      { gap, length: none, step },
      { gap, length, step: Buffer.concat([step, step]) },
    ]) {
      expect(thrownCode(() => decodeMatches(columns, MAX, MAX))).toBe('delta-damaged');
    }
  });
});

describe('the matches within a stretch', () => {
  it('are those of consecutive files, counted from their starts', () => {
    const matches = fromRows([
      { gap: 0, length: 10, oldAt: 1 },
      { gap: 5, length: 5, oldAt: 2 },
      { gap: 0, length: 30, oldAt: 3 },
    ]);
    const cursor = { at: 0 };
    expect([...matchesWithin(matches, 0, 20, cursor).newAt]).toEqual([0, 15]);
    expect(matchesWithin(matches, 20, 20, cursor).newAt).toHaveLength(0);
    expect([...matchesWithin(matches, 20, 60, cursor).newAt]).toEqual([0]);
    expect(cursor.at).toBe(3);
  });

  it('may not reach into the next file', () => {
    const matches = fromRows([{ gap: 0, length: 10, oldAt: 0 }]);
    expect(thrownCode(() => matchesWithin(matches, 0, 9, { at: 0 }))).toBe('delta-damaged');
  });
});
