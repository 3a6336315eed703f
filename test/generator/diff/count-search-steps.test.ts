import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { countSearchSteps } from '../../../generator/diff/count-search-steps.js';
import { estimateCompression } from '../../../generator/diff/estimate-compression.js';
import { temporaryFolder } from '../../support/cleanup.js';

const MIB = 2 ** 20;

async function count(content: Buffer): Promise<number> {
  const path = join(await temporaryFolder(), 'bytes');
  // Between others, which do not count.
  await writeFile(path, Buffer.concat([Buffer.alloc(5, 'x'), content, Buffer.alloc(70, 'y')]));
  return countSearchSteps({ path, at: 5, length: content.length });
}

describe('search steps', () => {
  it.each([0, 1, 31, 32, 33])('of %i bytes are hardly any', async (length) => {
    expect(await count(randomBytes(length))).toBeLessThan(4);
  });

  it('are none within long matches', async () => {
    const piece = randomBytes(100_000);
    const once = await count(piece);
    expect(await count(Buffer.concat([piece, piece, piece]))).toBeLessThan(once * 1.02);
    expect(await count(Buffer.alloc(MIB))).toBeLessThan(100);
  });

  it('are more for text than for noise, and grow with what came before', async () => {
    const words = Array.from({ length: 400 }, () => randomBytes(4).toString('hex'));
    const text = Array.from(
      { length: 50_000 },
      () => words[randomBytes(2).readUInt16LE() % 400] ?? '',
    ).join(' ');
    const noise = await count(randomBytes(200_000));
    const short = await count(Buffer.from(text.slice(0, 20_000)));
    const long = await count(Buffer.from(text.slice(0, 200_000)));
    expect(long).toBeGreaterThan(2 * noise);
    expect(long).toBeGreaterThan(11 * short);
  });

  it('go on over pieces of the window', async () => {
    const piece = randomBytes(2 * MIB);
    const far = randomBytes(8.5 * MIB);
    const near = await count(Buffer.concat([far.subarray(0, 6 * MIB), piece, piece]));
    const apart = await count(Buffer.concat([piece, far, piece]));
    expect(apart).toBeGreaterThan(near * 1.1);
  });

  it('are the same each time', async () => {
    const bytes = randomBytes(300_000);
    expect(await count(bytes)).toBe(await count(bytes));
  });
});

describe('the estimate of compressing', () => {
  const counts = { members: 1, tarBytes: 10 * MIB, searchSteps: 70e6 };
  const xz = { kind: 'xz', preset: 6, extreme: false, check: 4, blockBytes: 24 * MIB } as const;

  it('is seconds for xz, far less for quick encoders, nothing for none', () => {
    const of = (recipe: Parameters<typeof estimateCompression>[0][number]['recipe']): number =>
      estimateCompression([{ ...counts, recipe }]);
    expect(of(xz)).toBeGreaterThan(1000);
    expect(of({ ...xz, extreme: true })).toBeGreaterThan(of(xz));
    expect(of({ ...xz, preset: 0 })).toBeLessThan(of(xz) / 4);
    const zstd = { kind: 'zstd', level: 3, checksum: true, threaded: true } as const;
    expect(of(zstd)).toBeLessThan(of({ ...zstd, level: 19 }) / 10);
    expect(of({ kind: 'stored' })).toBe(0);
  });

  it('is a whole number of milliseconds, summed over the members', () => {
    const one = estimateCompression([{ ...counts, recipe: xz }]);
    expect(Number.isInteger(one)).toBe(true);
    const both = estimateCompression([
      { ...counts, recipe: xz },
      { ...counts, recipe: xz },
    ]);
    expect(Math.abs(both - 2 * one)).toBeLessThanOrEqual(1);
  });
});
