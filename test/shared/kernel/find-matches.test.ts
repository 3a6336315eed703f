import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { expandDeb } from '../../../shared/deb/expand-deb.js';
import type { Matches } from '../../../shared/delta/matches.js';
import { findMatches, indexOld } from '../../../shared/kernel/find-matches.js';
import { noise } from '../../support/chunks.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { fixturePair } from '../../support/fixture-pairs.js';

interface Row {
  readonly newAt: number;
  readonly oldAt: number;
  readonly length: number;
}

function rowsOf(matches: Matches): Row[] {
  expect(matches.oldAt).toHaveLength(matches.newAt.length);
  expect(matches.length).toHaveLength(matches.newAt.length);
  return Array.from(matches.newAt, (newAt, row) => ({
    newAt,
    oldAt: matches.oldAt[row] ?? 0,
    length: matches.length[row] ?? 0,
  }));
}

function expectWellFormed(matches: Matches, oldBytes: Uint8Array, newBytes: Uint8Array): void {
  let end = 0;
  for (const { newAt, oldAt, length } of rowsOf(matches)) {
    expect(newAt).toBeGreaterThanOrEqual(end);
    expect(length).toBeGreaterThan(0);
    end = newAt + length;
    expect(oldAt + length).toBeLessThanOrEqual(oldBytes.length);
  }
  expect(end).toBeLessThanOrEqual(newBytes.length);
}

/** Bytes that a delta would have to carry: those of no match, and those that a match gets wrong. */
function bytesToSend(matches: Matches, oldBytes: Uint8Array, newBytes: Uint8Array): number {
  let right = 0;
  for (const { newAt, oldAt, length } of rowsOf(matches)) {
    for (let i = 0; i < length; i++) right += Number(oldBytes[oldAt + i] === newBytes[newAt + i]);
  }
  return newBytes.length - right;
}

const anyBytes = fc.oneof(
  fc.uint8Array({ max: 1, maxLength: 400 }),
  fc.uint8Array({ max: 3, maxLength: 400 }),
  fc.uint8Array({ maxLength: 60 }),
);

/** Old bytes, and new ones made of stretches of them and of others. */
const relatedBytes = fc
  .tuple(
    fc.uint8Array({ minLength: 1, maxLength: 300 }),
    fc.array(fc.oneof(fc.tuple(fc.nat(300), fc.nat(120)), fc.uint8Array({ maxLength: 12 })), {
      maxLength: 12,
    }),
  )
  .map(([oldBytes, pieces]): [Uint8Array, Uint8Array] => [
    oldBytes,
    Buffer.concat(
      pieces.map((piece) =>
        Array.isArray(piece) ? oldBytes.subarray(piece[0], piece[0] + piece[1]) : piece,
      ),
    ),
  ]);

describe('findMatches', () => {
  it('finds stretches in order, apart and inside of both sides, the same again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.tuple(anyBytes, anyBytes), relatedBytes), ([oldBytes, newBytes]) => {
        const index = indexOld(oldBytes);
        const matches = index.match(newBytes);
        expectWellFormed(matches, oldBytes, newBytes);
        expect(index.match(newBytes)).toEqual(matches);
      }),
      { numRuns: 1000 },
    );
  });

  it('finds the same whatever its memory held before', () => {
    const other = noise(50_000);
    fc.assert(
      fc.property(relatedBytes, ([oldBytes, newBytes]) => {
        findMatches(other, other.subarray(20_000));
        expect(findMatches(oldBytes, newBytes)).toEqual(indexOld(oldBytes).match(newBytes));
      }),
      { numRuns: 50 },
    );
  });

  it('finds nothing in and for nothing', () => {
    const none = { newAt: Uint32Array.of(), oldAt: Uint32Array.of(), length: Uint32Array.of() };
    expect(findMatches(Buffer.alloc(0), Buffer.from('new bytes of some length'))).toEqual(none);
    expect(findMatches(Buffer.from('old bytes of some length'), Buffer.alloc(0))).toEqual(none);
  });

  it('follows equal bytes as one match, however many', () => {
    const bytes = noise(200_000);
    expect(rowsOf(findMatches(bytes, bytes))).toEqual([{ newAt: 0, oldAt: 0, length: 200_000 }]);
  });

  it('goes on over changed bytes', () => {
    const oldBytes = noise(10_000);
    const newBytes = Buffer.from(oldBytes);
    for (let at = 50; at < newBytes.length; at += 40) newBytes.writeUInt32LE(at, at);
    expect(rowsOf(findMatches(oldBytes, newBytes))).toEqual([
      { newAt: 0, oldAt: 0, length: 10_000 },
    ]);
  });

  it('finds moved and inserted stretches', () => {
    const [a, b, inserted] = [noise(4_000, 1), noise(5_000, 2), noise(300, 3)];
    const newBytes = Buffer.concat([b, inserted, a]);
    expect(rowsOf(findMatches(Buffer.concat([a, b]), newBytes))).toEqual([
      { newAt: 0, oldAt: 4_000, length: 5_000 },
      { newAt: 5_300, oldAt: 0, length: 4_000 },
    ]);
  });

  it('matches any number of new bytes against one index', () => {
    const oldBytes = noise(30_000);
    const index = indexOld(oldBytes);
    for (const [from, length] of [
      [100, 20_000],
      [0, 10],
      [5_000, 25_000],
    ] as const) {
      const matches = index.match(oldBytes.subarray(from, from + length));
      expect(rowsOf(matches)).toEqual([{ newAt: 0, oldAt: from, length }]);
    }
  });

  it('leaves a few per cent of a real upgrade to send', async () => {
    const folder = await temporaryFolder();
    const pair = fixturePair('openssl');
    const [oldImage, newImage] = await Promise.all(
      [pair.oldDeb, pair.newDeb].map(async (deb, side) => {
        const image = join(folder, `image-${side}`);
        await expandDeb(deb, image);
        return readFile(image);
      }),
    );
    if (oldImage === undefined || newImage === undefined) throw new Error('two images');
    const matches = findMatches(oldImage, newImage);
    expectWellFormed(matches, oldImage, newImage);
    // its manual pages are packed and differ; the program does not
    expect(bytesToSend(matches, oldImage, newImage)).toBeLessThan(newImage.length / 2);
    expect(bytesToSend(matches, oldImage, newImage)).toBeGreaterThan(0);
  });
});
