import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { chooseRange, FIRST_CHUNK } from '../../../client/download/choose-range.js';
import { nextChunk } from '../../../client/download/http-source.js';
import { openPartFile } from '../../../client/download/part-file.js';
import { startTransfer, type Transfer } from '../../../client/download/transfer.js';
import { addRange, commonRanges, countBytes } from '../../../shared/io/byte-ranges.js';
import { temporaryFolder, closing } from '../../support/cleanup.js';

const SIZE = 16 * FIRST_CHUNK;

const transferOf = async (size = SIZE): Promise<Transfer> => {
  const part = closing(await openPartFile(await temporaryFolder(), 'a'.repeat(64), size));
  const torrent = { torrent: new Uint8Array(), filePath: null };
  const object = { id: 'a', sha256: 'a'.repeat(64), size, urls: ['http://a'], target: 'a' };
  const transfer = startTransfer({ ...object, torrent }, part);
  transfer.pivot = 8 * FIRST_CHUNK;
  return transfer;
};
const units = (start: number, end: number): { start: number; end: number } => ({
  start: start * FIRST_CHUNK,
  end: end * FIRST_CHUNK,
});

describe('what HTTP fetches', () => {
  test('of a small object alone is all of it, without a range', async () => {
    const transfer = await transferOf(50_000);
    expect(chooseRange(transfer, FIRST_CHUNK, true)?.range).toEqual({ start: 0, end: 50_000 });
  });

  test('alone goes on to the end, and claims what comes next', async () => {
    const transfer = await transferOf();
    const chosen = chooseRange(transfer, FIRST_CHUNK, true);
    expect(chosen).toMatchObject({ range: units(4, 16), claim: units(4, 5), isStream: true });
    transfer.part.mark(units(4, 16));
    expect(chooseRange(transfer, FIRST_CHUNK, true)?.range).toEqual(units(0, 4));
  });

  test('beside peers is what falls to us of what they lack', async () => {
    const transfer = await transferOf();
    transfer.supply = { peers: 1, offered: [units(0, 4)], ours: [units(5, 6), units(12, 13)] };
    expect(chooseRange(transfer, FIRST_CHUNK, false)?.range).toEqual(units(5, 6));
    transfer.part.mark(units(5, 6));
    expect(chooseRange(transfer, FIRST_CHUNK, false)?.range).toEqual(units(12, 13));
    transfer.part.mark(units(12, 13));
    expect(chooseRange(transfer, FIRST_CHUNK, false)).toBeNull();
  });

  test('beside peers that give nothing is everything, as alone', async () => {
    const transfer = await transferOf();
    transfer.supply = { peers: 1, offered: [units(0, 16)], ours: [] };
    expect(chooseRange(transfer, FIRST_CHUNK, true)?.isStream).toBe(false);
    const chosen = chooseRange(transfer, FIRST_CHUNK, false, true);
    expect(chosen).toMatchObject({ range: units(4, 16), isStream: true, rank: 0 });
  });

  test('in a race is then what others should fetch, and what peers have', async () => {
    const transfer = await transferOf();
    transfer.supply = { peers: 1, offered: [units(0, 7)], ours: [] };
    expect(chooseRange(transfer, FIRST_CHUNK, true)?.range).toEqual(units(7, 8));
    transfer.part.mark(units(7, 16));
    const chosen = chooseRange(transfer, 2 * FIRST_CHUNK, true);
    expect(chosen).toMatchObject({ range: units(5, 7), rank: 2 });
  });

  test('is always missing, and in a race everything in the end', async () => {
    const transfer = await transferOf();
    const some = fc
      .tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1))
      .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) + 1 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(some),
        fc.array(some),
        fc.array(some),
        fc.nat(SIZE),
        async (...args) => {
          const [held, offered, ours, pivot] = args;
          await transfer.part.reset();
          for (const range of held) transfer.part.mark(range);
          const merge = (ranges: typeof held): ReturnType<typeof addRange> =>
            ranges.reduce<ReturnType<typeof addRange>>(addRange, []);
          transfer.pivot = pivot;
          transfer.supply = { peers: 1, offered: merge(offered), ours: merge(ours) };
          for (let i = 0; !transfer.part.complete(); i++) {
            const chosen = chooseRange(transfer, 4 * FIRST_CHUNK, true);
            expect(chosen).not.toBeNull();
            if (chosen === null) return;
            const fresh = commonRanges(transfer.part.missing(), [chosen.range]);
            expect(countBytes(fresh)).toBe(chosen.range.end - chosen.range.start);
            transfer.part.mark(chosen.range);
          }
          expect(chooseRange(transfer, FIRST_CHUNK, true)).toBeNull();
        },
      ),
      { numRuns: 50 },
    );
  });
});

test('chunks grow until the wait for each is a small part, or its body is long', () => {
  const grown = (wait: number, bytesPerSecond: number): number => {
    let chunk = FIRST_CHUNK;
    for (let i = 0; i < 20; i++) {
      const body = (chunk / bytesPerSecond) * 1000;
      chunk = nextChunk(chunk, wait + body, body);
    }
    return chunk;
  };
  // A far server with a fast line once kept the smallest chunk for ever.
  expect(grown(600, 1e9)).toBe(8 * 1024 * 1024);
  expect(grown(600, 2e6)).toBeGreaterThan(4 * FIRST_CHUNK);
  expect(grown(600, 1e5)).toBe(FIRST_CHUNK);
  expect(grown(0, 5e5)).toBe(FIRST_CHUNK);
});
