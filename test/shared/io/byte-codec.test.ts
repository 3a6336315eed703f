import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ByteReader, ByteWriter } from '../../../shared/io/byte-codec.js';
import { errorCode } from '../../support/error-code.js';

describe('byte codec', () => {
  it('reads what it wrote', () => {
    const number = fc.maxSafeNat();
    const item = fc.oneof(
      fc.record({ kind: fc.constant('varint' as const), value: number }),
      fc.record({ kind: fc.constant('text' as const), value: fc.string({ unit: 'binary' }) }),
      fc.record({ kind: fc.constant('block' as const), value: fc.uint8Array() }),
    );
    fc.assert(
      fc.property(fc.array(item), (items) => {
        const out = new ByteWriter();
        for (const { kind, value } of items) {
          if (kind === 'varint') out.varint(value);
          else if (kind === 'text') out.text(value);
          else out.block(value);
        }
        const bytes = out.finish();
        expect(bytes.length).toBe(out.length);
        const input = new ByteReader(bytes);
        for (const { kind, value } of items) {
          if (kind === 'varint') expect(input.varint(Number.MAX_SAFE_INTEGER)).toBe(value);
          else if (kind === 'text') expect(input.text(1e6)).toBe(Buffer.from(value).toString());
          else expect(Buffer.from(value).equals(input.block(1e6))).toBe(true);
        }
        input.expectEnd();
      }),
    );
  });

  it('knows one encoding of each number', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 9 }), (bytes) => {
        const input = new ByteReader(bytes);
        let value: number;
        try {
          value = input.varint(Number.MAX_SAFE_INTEGER);
        } catch (error) {
          expect(error).toMatchObject({ code: 'delta-damaged' });
          return;
        }
        const out = new ByteWriter();
        out.varint(value);
        expect(out.finish()).toEqual(
          Buffer.from(bytes).subarray(0, bytes.length - input.remaining),
        );
      }),
    );
  });

  it.each([
    ['a number over its limit', [0x81, 0x01], (input: ByteReader) => input.varint(128)],
    ['a number that is longer than needed', [0x80, 0x00], (input: ByteReader) => input.varint(9)],
    ['an endless number', Array<number>(20).fill(0xff), (input: ByteReader) => input.varint(1e15)],
    ['a number that is cut off', [0x80], (input: ByteReader) => input.varint(1e15)],
    ['a block longer than the data', [5, 1, 2], (input: ByteReader) => input.block(9)],
    ['a block over its limit', [2, 1, 2], (input: ByteReader) => input.block(1)],
    [
      'bytes after the end',
      [1],
      (input: ByteReader) => {
        input.expectEnd();
      },
    ],
  ])('refuses %s', async (_what, bytes, read) => {
    const input = new ByteReader(Uint8Array.from(bytes));
    expect(
      await errorCode(() => {
        read(input);
      }),
    ).toBe('delta-damaged');
  });
});
