import { execFileSync } from 'node:child_process';

import { describe, expect, it } from 'vitest';

import type { CheckedOldPackage } from '../../../shared/delta/old-package.js';
import { OldSpace } from '../../../shared/delta/old-space.js';
import type { Segment } from '../../../shared/delta/space-table.js';
import { LIMITS } from '../../../shared/limits.js';
import { noise } from '../../support/chunks.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode, thrownCode } from '../../support/error-code.js';

/** An old package of files in memory, which counts how often they are read. */
function packageOf(files: readonly Buffer[], reads: number[] = []): CheckedOldPackage {
  const content = (place: number): Buffer => files[place] ?? Buffer.alloc(0);
  return {
    listedPaths: files.map((_, place) => `/${place}`),
    controlFiles: [],
    sizeOf: (_member, place) => content(place).length,
    linkTargetOf: () => null,
    md5Of: () => null,
    size: ({ place }) => Promise.resolve(content(place).length),
    read({ place }) {
      reads.push(place);
      return Promise.resolve(content(place));
    },
    expectUnmodified: () => Promise.resolve(),
  };
}

const allocate = (bytes: number): Buffer => Buffer.alloc(bytes);
const raw = (place: number): Segment => ({ file: { member: 'data', place }, isUnfolded: false });

describe('the old space', () => {
  it('is the files one after the other, read when they are needed', async () => {
    const files = [noise(100, 1), noise(200, 2), noise(300, 3)];
    const reads: number[] = [];
    const space = await OldSpace.open([raw(0), raw(2)], packageOf(files, reads), 'nowhere');
    expect(space.length).toBe(400);
    expect(reads).toEqual([]);
    const target = Buffer.alloc(52);
    await space.copy(99, 50, target, 1);
    const all = Buffer.concat([files[0] ?? '', files[2] ?? ''] as Buffer[]);
    expect(target.subarray(1, 51).equals(all.subarray(99, 149))).toBe(true);
    await space.copy(0, 10, target, 0);
    expect(reads).toEqual([0, 2]);
    await space.close();
  });

  it('holds unfolded files by their contents', async () => {
    const text = Buffer.from('many words '.repeat(500));
    const gz = execFileSync('gzip', ['-9n'], { input: text });
    const unfolded: Segment = { ...raw(0), isUnfolded: true };
    const folder = await temporaryFolder();
    const space = await OldSpace.open([unfolded], packageOf([gz]), folder);
    const content = await space.slice(0, 0, null, allocate);
    expect(content.includes(text)).toBe(true);
    expect(space.length).toBe(content.length);
    await space.close();
  });

  it('has the computed md5sums only after they were computed', async () => {
    const computed: Segment = { file: { member: 'computed', length: 5 }, isUnfolded: false };
    const space = await OldSpace.open([computed], packageOf([]), 'nowhere');
    expect(await errorCode(space.slice(0, 0, null, allocate))).toBe('delta-damaged');
    space.setComputedMd5sums(Buffer.from('12345'));
    expect((await space.slice(0, 1, 2, allocate)).toString()).toBe('23');
  });

  it('refuses computed md5sums of another length than declared', async () => {
    const computed: Segment = { file: { member: 'computed', length: 5 }, isUnfolded: false };
    const space = await OldSpace.open([computed], packageOf([]), 'nowhere');
    space.setComputedMd5sums(Buffer.from('1234'));
    expect(await errorCode(space.slice(0, 0, null, allocate))).toBe('source-changed');
  });

  it('refuses stretches outside a file, and files that are not there', async () => {
    const space = await OldSpace.open([raw(0)], packageOf([noise(10)]), 'nowhere');
    expect(await errorCode(space.slice(0, 5, 6, allocate))).toBe('delta-damaged');
    expect(await errorCode(space.slice(0, 11, null, allocate))).toBe('delta-damaged');
    expect(thrownCode(() => space.segment(1))).toBe('delta-damaged');
  });

  it('reads files that are too large for memory once, however often matches lead to and fro', async () => {
    const size = 20 << 20;
    const files = [noise(size, 1), noise(size, 2)];
    const reads: number[] = [];
    const folder = await temporaryFolder();
    const space = await OldSpace.open([raw(0), raw(1)], packageOf(files, reads), folder);
    const all = Buffer.concat(files);
    const length = 100_000;
    const target = Buffer.alloc(length);
    for (let i = 0; i < 1000; i++) {
      const at = (i * 7_654_321) % (all.length - length);
      const atOnce = space.copyAtOnce(at, length, target, 0);
      await space.copy(at + atOnce, length - atOnce, target, atOnce);
      if (!target.equals(all.subarray(at, at + length))) expect.fail(`other bytes at ${at}`);
    }
    expect(reads).toEqual([0, 1]);
    await space.close();
  });

  it('reads a large library once for all its objects', async () => {
    const library = noise(40 << 20, 1);
    const reads: number[] = [];
    const folder = await temporaryFolder();
    const space = await OldSpace.open([raw(0)], packageOf([library], reads), folder);
    for (const at of [0, 30 << 20, 1000]) {
      const object = await space.slice(0, at, 5000, allocate);
      expect(object.equals(library.subarray(at, at + 5000))).toBe(true);
    }
    expect(reads).toEqual([0]);
    await space.close();
  });

  it('refuses matches to and fro that would take for ever', async () => {
    const size = 1 << 30;
    const large = { length: size, copy: () => size } as unknown as Buffer;
    const file = Buffer.alloc(64 << 20);
    const folder = await temporaryFolder();
    const space = await OldSpace.open([raw(0), raw(1)], packageOf([large, file]), folder);
    // Most of what is allowed, since reading that piece by piece takes seconds.
    for (let left = LIMITS.deltaWorkBytes; left > 10 * size; left -= 9 * size) {
      await space.slice(0, 0, size, () => Buffer.alloc(0));
    }
    const target = Buffer.alloc(1);
    const jump = async (): Promise<void> => {
      for (let i = 0; i < LIMITS.deltaWorkBytes; i++) {
        await space.copy(size + ((i * 7_654_321) % file.length), 1, target, 0);
      }
    };
    expect(await errorCode(jump())).toBe('limit-exceeded');
    await space.close();
  });

  it('refuses to look at the same large file for ever', async () => {
    const size = 1 << 30;
    const large = { length: size, copy: () => size } as unknown as Buffer;
    const space = await OldSpace.open([raw(0)], packageOf([large]), 'nowhere');
    const times = LIMITS.deltaWorkBytes / size;
    let code = 'none';
    for (let i = 0; i <= times && code === 'none'; i++) {
      code = await errorCode(space.slice(0, 0, size, () => Buffer.alloc(0)));
    }
    expect(code).toBe('limit-exceeded');
  });
});
