import { createHash } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { compressWith, expandWith, type Coder } from '../../../shared/streams/coders.js';
import { compressLzma, decodeProperties, expandLzma } from '../../../shared/streams/lzma.js';
import { isMixable, MAX_MIXED_BYTES } from '../../../shared/streams/mixing.js';
import {
  kindOfStream,
  numberOfStream,
  STREAM_COUNT,
  STREAM_KINDS,
  type StreamName,
  type StreamSpan,
} from '../../../shared/streams/stream-names.js';
import { isDebshoalError } from '../../../shared/errors.js';
import { ByteWriter } from '../../../shared/io/byte-codec.js';

const CODERS: readonly Coder[] = [
  { name: 'stored' },
  { name: 'brotli' },
  { name: 'lzma', parameters: { lc: 3, lp: 0, pb: 2 } },
  { name: 'lzma', parameters: { lc: 0, lp: 0, pb: 0 } },
  { name: 'mixed' },
];

function one(name: StreamName, length: number): StreamSpan[] {
  return [{ number: numberOfStream(name), length }];
}

/** Repetitive, with surprises, the same in each run. */
function sample(length: number): Buffer {
  let state = 7;
  return Buffer.from(
    Array.from({ length }, (_, index) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 28 === 0 ? (state >>> 20) & 255 : index % 53;
    }),
  );
}

function column(values: readonly number[]): Buffer {
  const out = new ByteWriter();
  for (const value of values) out.varint(value);
  return out.finish();
}

function expectRoundTrip(coder: Coder, bytes: Buffer, streams: readonly StreamSpan[]): void {
  const packed = compressWith(coder, bytes, streams);
  expect(expandWith(coder.name, packed, streams).equals(bytes)).toBe(true);
}

describe.each(CODERS)('coder %j', (coder) => {
  it.each([1, 2, 3, 255, 65_535, 65_536, 65_537, 90_000])('gives %d bytes back', (length) => {
    expectRoundTrip(coder, sample(length), one('plain-extra', length));
    expectRoundTrip(coder, Buffer.alloc(length), one('plain-extra', length));
  });

  it('gives anything back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (bytes) => {
        // A coder may give up on what it cannot make smaller; the generator stores that.
        const streams = one('plain-extra', bytes.length);
        const packed = compressWith(coder, bytes, streams);
        if (packed.length >= bytes.length && coder.name === 'mixed') return;
        expect(expandWith(coder.name, packed, streams).equals(bytes)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('makes exactly the declared length of anything, or refuses', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: 3000 }),
        fc.nat(STREAM_COUNT - 1),
        (packed, length, number) => {
          try {
            expect(expandWith(coder.name, packed, [{ number, length }])).toHaveLength(length);
          } catch (error) {
            if (!isDebshoalError(error, 'delta-damaged')) throw error;
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('the mixing coder', () => {
  const number = fc.oneof(fc.nat(300), fc.nat(70_000), fc.integer({ min: 0, max: 2 ** 38 - 1 }));
  const columns = fc.array(fc.tuple(number, number, number), { minLength: 20, maxLength: 300 });

  it('gives columns with companions back', () => {
    fc.assert(
      fc.property(columns, (rows) => {
        // Each row ten times, for the coder gives up on what it cannot make smaller.
        const many = rows.flatMap((row) => Array.from({ length: 10 }, () => row));
        const parts = [0, 1, 2].map((place) => column(many.map((row) => row[place] ?? 0)));
        const names = ['match-lengths', 'match-gaps', 'match-steps'] as const;
        const spans = parts.map(({ length }, index) => ({
          number: numberOfStream(names[index] ?? 'header'),
          length,
        }));
        expect(isMixable(Buffer.concat(parts), spans)).toBe(true);
        expectRoundTrip({ name: 'mixed' }, Buffer.concat(parts), spans);
      }),
      { numRuns: 15 },
    );
  });

  it('gives columns of unequal length back', () => {
    const gaps = column(Array.from({ length: 500 }, (_, index) => index % 9));
    const values = sample(3000);
    const spans = [...one('code-gaps', gaps.length), ...one('code-values', values.length)];
    expectRoundTrip({ name: 'mixed' }, Buffer.concat([gaps, values]), spans);
  });

  it('takes only columns of whole, shortest, not too large numbers', () => {
    const isColumn = (...bytes: number[]): boolean =>
      isMixable(Buffer.from(bytes), one('match-lengths', bytes.length));
    expect(isColumn(0, 127, 128, 1)).toBe(true);
    expect(isColumn(128)).toBe(false);
    expect(isColumn(128, 0)).toBe(false);
    expect(isColumn(255, 255, 255, 255, 255, 7)).toBe(true);
    expect(isColumn(255, 255, 255, 255, 255, 8)).toBe(false);
    expect(isColumn(255, 255, 255, 255, 255, 255, 255, 255, 1)).toBe(false);
  });

  it('refuses a block that is too long before allocating it', () => {
    const spans = one('plain-extra', MAX_MIXED_BYTES + 1);
    expect(() => expandWith('mixed', Buffer.alloc(9), spans)).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    );
  });

  it('writes the same bytes for ever', () => {
    const parts = STREAM_KINDS.map((kind) => {
      const number = Array.from({ length: STREAM_COUNT }, (_, index) => index).find(
        (index) => kindOfStream(index) === kind,
      );
      const isColumn = kind === 'numbers' || kind === 'signed';
      const bytes = isColumn
        ? column([...sample(3000)].map((byte, index) => (byte % 5 === 0 ? byte * index : byte)))
        : sample(5000);
      return { number: number ?? 0, bytes };
    }).sort((a, b) => a.number - b.number);
    const spans = parts.map(({ number, bytes }) => ({ number, length: bytes.length }));
    const packed = compressWith({ name: 'mixed' }, Buffer.concat(parts.map((p) => p.bytes)), spans);
    expect(packed.length).toMatchInlineSnapshot(`3948`);
    expect(createHash('sha256').update(packed).digest('hex')).toMatchInlineSnapshot(
      `"b8ebd1cc63d3e3990ed5da3b9df5994f8e89784cd9f0cd4ee6134e0b75af5da4"`,
    );
  });
});

describe('raw LZMA', () => {
  const parameters = { lc: 3, lp: 0, pb: 0 };

  it('goes without an end marker when it is short', () => {
    const bytes = Buffer.from('a');
    expect(compressLzma(bytes, parameters).length).toBeLessThanOrEqual(4);
  });

  it('refuses to make more than was declared of a bomb', () => {
    const packed = compressLzma(Buffer.alloc(2 ** 22), parameters);
    expect(expandLzma(packed, 70_000, parameters)).toHaveLength(70_000);
  });

  it('knows which properties there are', () => {
    expect(decodeProperties(93)).toEqual({ lc: 3, lp: 0, pb: 2 });
    for (const byte of [225, 255, 8, 44]) {
      expect(() => decodeProperties(byte)).toThrow(
        expect.objectContaining({ code: 'delta-damaged' }),
      );
    }
  });
});
