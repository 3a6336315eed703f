import fc from 'fast-check';
import { Deflate } from 'pako';
import { expect, it } from 'vitest';

import { zlibDeflate, zlibMakes, type ZlibEncoder } from '../../../shared/nested/zlib-deflate.js';
import { noise } from '../../support/chunks.js';
import { needs } from '../../support/needs.js';
import { packWithZlib } from '../../support/packers.js';
import { prose } from '../../support/prose.js';

const USUAL: ZlibEncoder = { by: 'zlib', level: 6, memLevel: 8, strategy: 0, windowBits: 15 };
const text = prose(300_000);
/** Repetitions at every distance, runs, and stretches that nothing packs. */
const mixed = Buffer.concat([text, Buffer.alloc(70_000), noise(90_000), text.subarray(0, 99_999)]);

/** pako is a port of the same program, made by others. */
function packWithPako(
  content: Buffer,
  { level, memLevel, strategy, windowBits }: ZlibEncoder,
): Buffer {
  const numbered = strategy as 0 | 1 | 2 | 3 | 4;
  const settings = { level, memLevel, strategy: numbered, windowBits };
  const deflate = new Deflate({ ...settings, raw: true, legacyHash: true });
  deflate.push(content, true);
  return Buffer.from(deflate.result);
}

const describeWithPython = await needs('python3');

describeWithPython('canonical zlib', () => {
  it('makes the bytes of the program itself', () => {
    for (const level of [1, 6, 9]) {
      const made = zlibDeflate(mixed, { ...USUAL, level });
      expect(made.equals(packWithZlib(mixed, { level, windowBits: -15 }))).toBe(true);
    }
  });

  it('makes the bytes of a port of it, whatever the settings and the content', () => {
    const settings = fc.record({
      by: fc.constant('zlib' as const),
      level: fc.integer({ min: 1, max: 9 }),
      memLevel: fc.integer({ min: 1, max: 9 }),
      strategy: fc.integer({ min: 0, max: 4 }),
      windowBits: fc.integer({ min: 9, max: 15 }),
    });
    const range = fc.tuple(fc.nat(mixed.length), fc.nat(100_000));
    const stretch = range.map(([at, length]) => mixed.subarray(at, at + length));
    const small = fc.uint8Array({ max: 3 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(settings, fc.oneof(stretch, small), (encoder, content) => {
        const expected = packWithPako(content, encoder);
        expect(zlibDeflate(content, encoder).equals(expected)).toBe(true);
        expect(zlibMakes(content, encoder, expected)).toBe(true);
      }),
    );
  });

  it('notices other bytes, missing ones and too many', () => {
    const packed = zlibDeflate(text, USUAL);
    const changed = Buffer.from(packed);
    const middle = changed.length >> 1;
    changed[middle] = (changed[middle] ?? 0) ^ 1;
    expect(zlibMakes(text, USUAL, packed)).toBe(true);
    expect(zlibMakes(text, USUAL, changed)).toBe(false);
    expect(zlibMakes(text, USUAL, packed.subarray(0, -1))).toBe(false);
    expect(zlibMakes(text, USUAL, Buffer.concat([packed, Buffer.alloc(1)]))).toBe(false);
    expect(zlibMakes(text, { ...USUAL, level: 9 }, packed)).toBe(false);
  });
});
