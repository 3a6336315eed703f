import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { LIMITS } from '../../../shared/limits.js';
import { unfoldedLength, type Fold } from '../../../shared/nested/fold.js';
import {
  encodeFolds,
  FOLD_COLUMNS,
  type FoldColumns,
  type FoldedFile,
} from '../../../shared/nested/fold-codec.js';
import type { DeflateEncoder, NestedRecipe } from '../../../shared/nested/nested-recipe.js';
import { decodeFolds } from '../../support/decode-folds.js';
import { errorCode } from '../../support/error-code.js';

const level = fc.integer({ min: 1, max: 9 });
const encoder: fc.Arbitrary<DeflateEncoder> = fc.oneof(
  fc.record({ by: fc.constant('gnu' as const), level }),
  fc.record({
    by: fc.constant('zlib' as const),
    level,
    memLevel: level,
    strategy: fc.integer({ min: 0, max: 4 }),
    windowBits: fc.integer({ min: 9, max: 15 }),
  }),
);
const recipe: fc.Arbitrary<NestedRecipe> = fc.oneof(
  fc.record({
    kind: fc.constant('deflate' as const),
    encoder,
    trailer: fc.constantFrom('none' as const, 'adler32' as const, 'gzip' as const),
  }),
  fc.record({
    kind: fc.constant('png' as const),
    encoder,
    zlibHeader: fc.integer({ min: 0, max: 0xffff }),
    chunkBytes: fc.array(fc.integer({ min: 256, max: 0x7fffffff }), { minLength: 1 }),
  }),
  fc.record({
    kind: fc.constant('zip' as const),
    encoder,
    exceptions: fc
      .array(fc.tuple(fc.nat(65_000), fc.option(encoder)))
      .map((entries) => new Map(entries.sort(([a], [b]) => a - b))),
  }),
  fc.record({
    kind: fc.constant('xz' as const),
    preset: fc.integer({ min: 0, max: 9 }),
    extreme: fc.boolean(),
    check: fc.constantFrom(0, 1, 4, 10),
    dictionaryBytes: fc.integer({ min: 4096, max: 2 ** 26 }),
    blockBytes: fc.option(fc.integer({ min: 8 << 20, max: 2 ** 28 })),
  }),
  fc.record({
    kind: fc.constant('zstd' as const),
    level: fc.integer({ min: 1, max: 22 }),
    checksum: fc.boolean(),
    contentSize: fc.boolean(),
  }),
);

/** Folds with gaps before them, and the bytes behind the last. */
function folds(depth: number): fc.Arbitrary<Fold[]> {
  const inner = depth === 0 ? fc.constant([]) : folds(depth - 1);
  const item = fc.record({
    gap: fc.nat(1000),
    behind: fc.nat(1000),
    packedLength: fc.nat(1e6),
    recipe,
    inner,
  });
  return fc.array(item, { maxLength: 3 }).map((items) => {
    let at = 0;
    return items.map(({ gap, behind, ...fold }) => {
      const last = fold.inner.at(-1);
      const made = { ...fold, at: at + gap, length: (last ? last.at + last.length : 0) + behind };
      at = made.at + made.length;
      return made;
    });
  });
}

const file: fc.Arbitrary<FoldedFile> = fc
  .record({ folds: folds(LIMITS.nestedDepth - 1), behind: fc.nat(1000), guess: fc.nat(1e6) })
  .map(({ folds: made, behind, guess }) => {
    const last = made.at(-1);
    const length = (last ? last.at + last.length : 0) + behind;
    const packedLength = made.reduce((sum, fold) => sum + fold.packedLength - fold.length, length);
    return { packedLength, folds: made, ...(guess % 2 === 0 && { expectedLength: guess }) };
  });

const DEFLATE: NestedRecipe = {
  kind: 'deflate',
  encoder: { by: 'gnu', level: 9 },
  trailer: 'gzip',
};

function fold(length: number, packedLength: number, inner: Fold[] = []): Fold {
  return { at: 0, length, packedLength, recipe: DEFLATE, inner };
}

describe('the folds of a sequence of files', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(file, { maxLength: 5 }), (files) => {
        const decoded = decodeFolds(encodeFolds(files), files);
        expect(decoded).toEqual(files.map(({ folds }) => folds));
      }),
    );
  });

  it('cost next to nothing for documents that are as long as before', () => {
    const files = Array.from({ length: 1000 }, (_, i) => ({
      packedLength: 500 + i,
      expectedLength: 2000 + 3 * i,
      folds: [{ ...fold(1990 + 3 * i, 490 + i), at: 10 }],
    }));
    const columns = encodeFolds(files);
    expect(columns.lengths).toEqual(Buffer.alloc(1000));
    expect(columns.packedLengths).toEqual(Buffer.alloc(1000));
    expect(columns.table.length).toBe(2);
    expect(unfoldedLength(500, files[0]?.folds ?? [])).toBe(2000);
  });

  it('fail with delta-damaged or limit-exceeded, or are read, whatever the bytes', async () => {
    const column = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
    const columns = fc
      .tuple(...FOLD_COLUMNS.map(() => column))
      .map(
        (all) => Object.fromEntries(FOLD_COLUMNS.map((name, i) => [name, all[i]])) as FoldColumns,
      );
    const lengths = fc.array(fc.record({ packedLength: fc.nat(5000) }), { maxLength: 4 });
    const allowed = ['none', 'delta-damaged', 'limit-exceeded', 'delta-unsupported'];
    await fc.assert(
      fc.asyncProperty(columns, lengths, async (made, files) => {
        expect(allowed).toContain(await errorCode(() => decodeFolds(made, files)));
      }),
    );
  });

  it('are refused when bytes are missing or left over', async () => {
    const files = [{ packedLength: 100, folds: [fold(1000, 50)] }];
    const columns = encodeFolds(files);
    for (const name of FOLD_COLUMNS) {
      const cut = { ...columns, [name]: columns[name].subarray(0, -1) };
      const long = { ...columns, [name]: Buffer.concat([columns[name], Buffer.alloc(1)]) };
      expect(await errorCode(() => decodeFolds(cut, files))).toBe('delta-damaged');
      expect(await errorCode(() => decodeFolds(long, files))).toBe('delta-damaged');
    }
  });

  it('are refused when they are longer than their file', async () => {
    const files = [{ packedLength: 100, folds: [fold(1000, 100)] }];
    const columns = encodeFolds([{ packedLength: 300, folds: [fold(1000, 100)] }]);
    expect(await errorCode(() => decodeFolds(columns, files))).toBe('delta-damaged');
  });

  it('are refused when inner ones are longer than the fold around them', async () => {
    const files = [{ packedLength: 100, folds: [fold(1000, 100, [fold(1001, 5)])] }];
    expect(await errorCode(() => decodeFolds(encodeFolds(files), files))).toBe('delta-damaged');
  });

  it('are refused when they are too deep', async () => {
    let deep = fold(10, 10);
    for (let i = 0; i < LIMITS.nestedDepth; i++) deep = fold(10, 10, [deep]);
    const files = [{ packedLength: 10, folds: [deep] }];
    expect(await errorCode(() => decodeFolds(encodeFolds(files), files))).toBe('delta-damaged');
  });

  it('are refused when the encoders would be busy with beginning', async () => {
    const xz = { kind: 'xz', preset: 9, extreme: false, check: 4, blockBytes: null } as const;
    const dictionaryBytes = 64 << 20;
    const recipe = { ...xz, dictionaryBytes };
    const most = LIMITS.foldDictionaryBytes / dictionaryBytes;
    const files = Array.from({ length: most + 1 }, () => ({
      packedLength: 10,
      folds: [{ ...fold(1, 10), recipe }],
    }));
    const columns = encodeFolds(files);
    expect(await errorCode(() => decodeFolds(columns, files))).toBe('limit-exceeded');
    const fewer = files.slice(1);
    expect(await errorCode(() => decodeFolds(encodeFolds(fewer), fewer))).toBe('none');
  });

  it('are refused when a file would unfold to more than any file may', async () => {
    const files = [{ packedLength: 10, folds: [fold(LIMITS.nestedExpandedBytes + 11, 10)] }];
    expect(await errorCode(() => decodeFolds(encodeFolds(files), files))).toBe('limit-exceeded');
  });
});
