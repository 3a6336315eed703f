import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { matchPlain, type Stretch } from '../../../generator/diff/match-plain.js';
import { noise } from '../../support/chunks.js';

/** Stretches with gaps between them, as where ELF files were taken out. */
function layOut(contents: readonly Buffer[], gap: number): Stretch[] {
  let at = gap;
  return contents.map((bytes) => {
    const stretch = { at, bytes };
    at += bytes.length + gap;
    return stretch;
  });
}

/** The bytes of a whole space, with zeros where no stretch is. */
function whole(stretches: readonly Stretch[]): Buffer {
  const length = Math.max(0, ...stretches.map(({ at, bytes }) => at + bytes.length));
  const space = Buffer.alloc(length);
  for (const { at, bytes } of stretches) bytes.copy(space, at);
  return space;
}

function restore(fresh: readonly Stretch[], old: readonly Stretch[]): Buffer[] {
  const found = matchPlain(fresh, old);
  const oldSpace = whole(old);
  return fresh.map(({ at }) => {
    const matched = found.get(at);
    if (matched === undefined) throw new Error('a stretch was left out');
    const { matches, residual } = matched;
    const bytes = Buffer.from(residual);
    for (let i = 0; i < matches.newAt.length; i++) {
      const [to, from, length] = [
        matches.newAt[i] ?? 0,
        matches.oldAt[i] ?? 0,
        matches.length[i] ?? 0,
      ];
      for (let k = 0; k < length; k++) {
        bytes[to + k] = (bytes[to + k] ?? 0) + (oldSpace[from + k] ?? 0);
      }
    }
    return bytes;
  });
}

const piece = fc.tuple(fc.nat(5), fc.nat(400)).map(([seed, length]) => noise(length, seed + 1));
const contents = fc.array(
  fc.array(piece, { maxLength: 3 }).map((pieces) => Buffer.concat(pieces)),
  { maxLength: 5 },
);

describe('matching what is no ELF', () => {
  it('tells every stretch by old bytes and residuals', () => {
    fc.assert(
      fc.property(contents, contents, fc.nat(9), (fresh, old, gap) => {
        const laidOut = layOut(fresh.filter(({ length }) => length > 0), gap); // prettier-ignore
        const restored = restore(laidOut, layOut(old, gap));
        expect(restored.every((bytes, i) => bytes.equals(laidOut[i]?.bytes ?? bytes))).toBe(true);
      }),
    );
  });

  it('finds what moved to another file', () => {
    const moved = noise(5000, 3);
    const fresh = layOut([noise(2000, 1), moved], 0);
    const found = matchPlain(fresh, layOut([Buffer.concat([moved, noise(900, 2)])], 7));
    const { matches } = found.get(2000) ?? { matches: null };
    expect(matches).toMatchObject({ oldAt: Uint32Array.of(7), length: Uint32Array.of(5000) });
  });
});
