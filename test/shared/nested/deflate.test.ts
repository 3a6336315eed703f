import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { Deflate } from 'pako';
import { expect, it } from 'vitest';

import { GZIP_TRAILER, PLAIN_GZIP_HEADER } from '../../../shared/io/gzip.js';
import { deflate, deflatesTo } from '../../../shared/nested/deflate.js';
import type { DeflateEncoder } from '../../../shared/nested/nested-recipe.js';
import { noise } from '../../support/chunks.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { needs } from '../../support/needs.js';
import { packWithZlib } from '../../support/packers.js';
import { prose } from '../../support/prose.js';

type ZlibEncoder = Extract<DeflateEncoder, { by: 'zlib' }>;

const USUAL: ZlibEncoder = { by: 'zlib', level: 6, memLevel: 8, strategy: 0, windowBits: 15 };
const text = prose(300_000);
/** Repetitions at every distance, runs, and stretches that nothing packs. */
const mixed = Buffer.concat([text, Buffer.alloc(70_000), noise(90_000), text.subarray(0, 99_999)]);

/** Half of the window that both programs slide. */
const HALF = 32 * 1024;

/**
 * The raw deflate streams that GNU gzip makes. One process for all; it compares the ends of small
 * contents with what its window still holds of the one before, so that zeros come between them.
 */
async function packWithGzip(contents: readonly Buffer[], level: number): Promise<Buffer[]> {
  const folder = await temporaryFolder();
  const names = contents.flatMap((content, i) => {
    writeFileSync(join(folder, `zeros${i}`), Buffer.alloc(2 * HALF));
    writeFileSync(join(folder, String(i)), content);
    return [`zeros${i}`, String(i)];
  });
  execFileSync('gzip', ['-n', `-${level}`, ...names], { cwd: folder });
  return contents.map((_content, i) => {
    const gz = readFileSync(join(folder, `${i}.gz`));
    return gz.subarray(PLAIN_GZIP_HEADER, gz.length - GZIP_TRAILER);
  });
}

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
const describeWithGzip = await needs('gzip');

describeWithPython('canonical zlib', () => {
  it('makes the bytes of the program itself', () => {
    for (const level of [1, 6, 9]) {
      const made = deflate(mixed, { ...USUAL, level });
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
        expect(deflate(content, encoder).equals(expected)).toBe(true);
        expect(deflatesTo(content, encoder, expected)).toBe(true);
      }),
    );
  });

  it('notices other bytes, missing ones and too many', () => {
    const packed = deflate(text, USUAL);
    const changed = Buffer.from(packed);
    const middle = changed.length >> 1;
    changed[middle] = (changed[middle] ?? 0) ^ 1;
    expect(deflatesTo(text, USUAL, packed)).toBe(true);
    expect(deflatesTo(text, USUAL, changed)).toBe(false);
    expect(deflatesTo(text, USUAL, packed.subarray(0, -1))).toBe(false);
    expect(deflatesTo(text, USUAL, Buffer.concat([packed, Buffer.alloc(1)]))).toBe(false);
    expect(deflatesTo(text, { ...USUAL, level: 9 }, packed)).toBe(false);
  });
});

describeWithGzip('GNU gzip', () => {
  async function expectSame(contents: readonly Buffer[], level: number): Promise<void> {
    const expected = await packWithGzip(contents, level);
    for (const [i, content] of contents.entries()) {
      const packed = expected[i] ?? Buffer.alloc(0);
      expect(deflate(content, { by: 'gnu', level }).equals(packed)).toBe(true);
      expect(deflatesTo(content, { by: 'gnu', level }, packed)).toBe(true);
    }
  }

  it('makes the bytes of the program itself at every level', async () => {
    const none = [0, 1, 2, 3].map((length) => Buffer.alloc(length, 'a'));
    const contents = [mixed, text, noise(200_000), Buffer.alloc(200_000), ...none];
    for (let level = 1; level <= 9; level++) await expectSame(contents, level);
  });

  it('ends as the program does, wherever the end lies in the window', async () => {
    // A copy reaches the end, where matches go on into what the window holds from before.
    const shape = fc.record({
      length: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 600 })),
      from: fc.nat(HALF),
      copied: fc.nat(300),
    });
    const content = shape.map(({ length: [halves, more], from, copied }) => {
      const end = Math.max(0, halves * HALF + more - 600);
      return Buffer.concat([text.subarray(0, end), text.subarray(from, from + copied)]);
    });
    const runs = fc.array(repetitions(), { minLength: 20, maxLength: 20 });
    const ends = fc.array(content, { minLength: 10, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(ends, runs, fc.integer({ min: 1, max: 9 }), (some, others, level) =>
        expectSame([...some, ...others], level),
      ),
      { numRuns: 10 },
    );
  });

  it('compares what lies behind the end with what the program finds there', async () => {
    const sizes = [60_000, 65_400, 65_600, 98_000, 98_300, 98_310, 131_071, 163_700, 200_000];
    const contents = sizes.flatMap((size) => {
      const content = noise(size).map((byte) => byte || 1);
      const end = content.subarray(size - 30);
      const zeros = Buffer.alloc(22);
      const remains = content.subarray(size + 2 - HALF, size + 22 - HALF);
      // Which of the two copies of the end seems to be longer depends on what follows the end.
      return [size - 25_000, size - 1000].map((place, i, places) => {
        const made = Buffer.from(content);
        Buffer.concat([end, zeros.subarray(20), remains]).copy(made, place);
        Buffer.concat([end, zeros]).copy(made, places[1 - i]);
        return made;
      });
    });
    for (const level of [3, 9]) await expectSame(contents, level);
  });
});

/** Contents of copies at many distances, of which the last ones have zeros or remains behind them. */
function repetitions(): fc.Arbitrary<Buffer> {
  const piece = fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 1, max: 5000 }));
  return fc.tuple(fc.nat(3), fc.array(piece, { maxLength: 40 })).map(([seed, pieces]) => {
    let content = noise(300, seed + 1).map((byte) => byte % (2 << seed));
    for (const [distance, length] of pieces) {
      const from = Math.max(0, content.length - distance);
      content = Buffer.concat([content, content.subarray(from, from + length)]);
    }
    return Buffer.from(content);
  });
}
