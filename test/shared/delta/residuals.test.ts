import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Matches } from '../../../shared/delta/matches.js';
import {
  plainClasses,
  ResidualReader,
  ResidualWriter,
  type Classes,
} from '../../../shared/delta/residuals.js';
import { thrownCode } from '../../support/error-code.js';

/** A stretch: mostly zeros, as after prediction, with matches and classes anyhow. */
const stretch = fc
  .record({
    residual: fc.array(fc.oneof(fc.constant(0), fc.constant(0), fc.nat(255)), { maxLength: 200 }),
    cuts: fc.array(fc.nat(200), { maxLength: 12 }),
    classCuts: fc.array(fc.nat(200), { maxLength: 5 }),
    classes: fc.array(fc.nat(5), { minLength: 6, maxLength: 6 }),
  })
  .map(({ residual, cuts, classCuts, classes }) => {
    const { length } = residual;
    const inOrder = (numbers: readonly number[]): number[] =>
      [...new Set(numbers.filter((one) => one < length))].sort((a, b) => a - b);
    const edges = inOrder(cuts);
    const newAt = edges.filter((_, i) => i % 2 === 0);
    const matches: Matches = {
      newAt: Uint32Array.from(newAt),
      oldAt: Uint32Array.from(newAt, () => 0),
      length: Uint32Array.from(newAt, (at, i) => (edges[2 * i + 1] ?? length) - at),
    };
    const ends = [...inOrder(classCuts).filter((end) => end > 0), length];
    const kinds: Classes = {
      ends: Uint32Array.from(ends),
      classes: Uint8Array.from(ends, (_, i) => classes[i] ?? 0),
    };
    return { residual: Uint8Array.from(residual), matches, kinds };
  });

describe('residuals', () => {
  it('come back through the streams of their classes', () => {
    fc.assert(
      fc.property(fc.array(stretch, { maxLength: 6 }), (stretches) => {
        const writer = new ResidualWriter();
        for (const { residual, matches, kinds } of stretches) writer.add(residual, matches, kinds);
        const reader = new ResidualReader(writer.finish());
        for (const { residual, matches, kinds } of stretches) {
          const target = new Uint8Array(residual.length);
          reader.addTo(target, matches, kinds);
          expect(target).toEqual(residual);
        }
        reader.expectEnd();
      }),
    );
  });

  it('are added to what was predicted, modulo 256', () => {
    const matches = {
      newAt: Uint32Array.of(1),
      oldAt: Uint32Array.of(0),
      length: Uint32Array.of(2),
    };
    const writer = new ResidualWriter();
    writer.add(Uint8Array.of(9, 255, 3), matches, plainClasses(3));
    const target = Uint8Array.of(77, 5, 254);
    new ResidualReader(writer.finish()).addTo(target, matches, plainClasses(3));
    expect([...target]).toEqual([9, 4, 1]);
  });

  it('cost nothing where everything was foreseen', () => {
    const length = 1 << 20;
    const matches = {
      newAt: Uint32Array.of(0),
      oldAt: Uint32Array.of(0),
      length: Uint32Array.of(length),
    };
    const writer = new ResidualWriter();
    writer.add(new Uint8Array(length), matches, plainClasses(length));
    for (const { gaps, values, extra } of writer.finish()) {
      expect(gaps.length + values.length + extra.length).toBe(0);
    }
  });

  const none = Buffer.alloc(0);
  const noMatches = {
    newAt: new Uint32Array(),
    oldAt: new Uint32Array(),
    length: new Uint32Array(),
  };
  const streamsWith = (changed: { gaps?: Buffer; values?: Buffer; extra?: Buffer }) =>
    Array.from({ length: 6 }, (_, ofClass) => ({
      gaps: none,
      values: none,
      extra: none,
      ...(ofClass === 5 ? changed : {}),
    }));

  it('are refused when gaps and values differ in number', () => {
    const gapsOnly = streamsWith({ gaps: Buffer.of(1) });
    expect(thrownCode(() => new ResidualReader(gapsOnly))).toBe('delta-damaged');
    const valuesOnly = streamsWith({ values: Buffer.of(1) });
    expect(thrownCode(() => new ResidualReader(valuesOnly))).toBe('delta-damaged');
  });

  it('are refused when fresh bytes are missing or left over', () => {
    const reader = new ResidualReader(streamsWith({ extra: Buffer.alloc(3) }));
    const target = new Uint8Array(2);
    reader.addTo(target, noMatches, plainClasses(2));
    expect(thrownCode(() => { reader.expectEnd(); })).toBe('delta-damaged'); // prettier-ignore
    const addMore = (): void => {
      reader.addTo(target, noMatches, plainClasses(2));
    };
    expect(thrownCode(addMore)).toBe('delta-damaged');
  });
});
