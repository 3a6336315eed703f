import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CONTROL_SOURCES } from '../../../shared/delta/delta.js';
import {
  decodeElfPairs,
  decodeSegments,
  encodeElfPairs,
  encodeSegments,
  type ElfPair,
  type Segment,
} from '../../../shared/delta/space-table.js';
import { ByteWriter } from '../../../shared/io/byte-codec.js';
import { LIMITS } from '../../../shared/limits.js';
import { thrownCode } from '../../support/error-code.js';

const segments: fc.Arbitrary<Segment[]> = fc
  .record({
    data: fc.uniqueArray(fc.tuple(fc.nat(10_000), fc.boolean()), { selector: ([place]) => place }),
    control: fc.uniqueArray(fc.nat(CONTROL_SOURCES.length - 1), { maxLength: 4 }),
    computed: fc.option(fc.nat(100_000)),
  })
  .map(({ data, control, computed }) => {
    const all: Segment[] = [...data]
      .sort(([a], [b]) => a - b)
      .map(([place, isUnfolded]) => ({ file: { member: 'data', place }, isUnfolded }));
    for (const place of control.sort((a, b) => a - b))
      all.push({ file: { member: 'control', place }, isUnfolded: false });
    if (computed !== null) {
      all.push({ file: { member: 'computed', length: computed }, isUnfolded: false });
    }
    return all;
  });

describe('the table of segments', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(segments, (all) => {
        expect(decodeSegments(encodeSegments(all))).toEqual(all);
      }),
    );
  });

  it('is refused with a control file that does not exist', () => {
    const out = new ByteWriter();
    out.varint(0);
    out.varint(2 * (CONTROL_SOURCES.length + 1));
    expect(thrownCode(() => decodeSegments(out.finish()))).toBe('delta-damaged');
  });

  it('is refused with a control file more than once', () => {
    const out = new ByteWriter();
    for (const value of [0, 2, 4, 4]) out.varint(value);
    expect(thrownCode(() => decodeSegments(out.finish()))).toBe('delta-damaged');
  });

  it('is refused when it ends too early', () => {
    const bytes = encodeSegments([{ file: { member: 'data', place: 900 }, isUnfolded: true }]);
    expect(thrownCode(() => decodeSegments(bytes.subarray(0, -1)))).toBe('delta-damaged');
  });
});

const length = fc.option(fc.nat(1 << 20));
const pairs: fc.Arbitrary<ElfPair[]> = fc
  .array(
    fc.record({
      madeFile: fc.nat(50),
      at: fc.nat(1 << 20),
      length,
      segment: fc.nat(99),
      oldAt: fc.nat(1 << 20),
      oldLength: length,
      layoutLength: fc.nat(1000),
    }),
    { maxLength: 10 },
  )
  .map((all) => {
    let madeFile = 0;
    return all.map((pair) => {
      const isWhole = pair.length === null;
      const whole = { ...pair, madeFile: madeFile + pair.madeFile, at: isWhole ? 0 : pair.at };
      madeFile = whole.madeFile + (isWhole ? 1 : 0);
      return { ...whole, oldAt: pair.oldLength === null ? 0 : pair.oldAt };
    });
  });

describe('the table of ELF pairs', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(pairs, (all) => {
        expect(decodeElfPairs(encodeElfPairs(all), 100)).toEqual(all);
      }),
    );
  });

  it('costs three bytes for each file that follows its predecessor', () => {
    const whole = { at: 0, length: null, oldAt: 0, oldLength: null, layoutLength: 9 };
    const all = Array.from({ length: 100 }, (_, i) => ({ ...whole, madeFile: i, segment: i }));
    expect(encodeElfPairs(all)).toHaveLength(300);
  });

  it('is refused with more pairs than any package has files', () => {
    const empty = Buffer.from([3, 0, 0, 0, 0, 0, 0]);
    const bytes = Buffer.alloc(empty.length * (LIMITS.deltaSources + 1), empty);
    expect(thrownCode(() => decodeElfPairs(bytes, 1))).toBe('limit-exceeded');
  });

  it('is refused with a segment that does not exist', () => {
    const pair = { madeFile: 0, at: 0, length: null, segment: 5, oldAt: 0, oldLength: null };
    const bytes = encodeElfPairs([{ ...pair, layoutLength: 1 }]);
    expect(decodeElfPairs(bytes, 6)).toHaveLength(1);
    expect(thrownCode(() => decodeElfPairs(bytes, 5))).toBe('delta-damaged');
  });
});
