import fc from 'fast-check';

import type { Recipe } from '../../shared/deb/recipe.js';
import type { DeltaContent } from '../../shared/delta/container.js';
import { CONTROL_SOURCES, memoryNeeded } from '../../shared/delta/delta.js';
import { STREAM_COUNT, nameOfStream } from '../../shared/streams/stream-names.js';

/** Generators of everything that the header of a delta can say, with noise for its streams. */

export const anyRecipe: fc.Arbitrary<Recipe> = fc.oneof(
  fc.constant({ kind: 'stored' as const }),
  fc.record({
    kind: fc.constant('xz' as const),
    preset: fc.integer({ min: 0, max: 9 }),
    extreme: fc.boolean(),
    check: fc.constantFrom(0, 1, 4, 10),
    blockBytes: fc.option(fc.integer({ min: 8 << 20, max: 1 << 28 })),
  }),
  fc.record({
    kind: fc.constant('gzip' as const),
    encoder: fc.constantFrom('gnu' as const, 'zlib' as const),
    level: fc.integer({ min: 1, max: 9 }),
    header: fc.uint8Array({ minLength: 10, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  }),
  fc.record({
    kind: fc.constant('zstd' as const),
    level: fc.integer({ min: 1, max: 22 }),
    checksum: fc.boolean(),
    threaded: fc.boolean(),
  }),
);

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'));

const stream = fc.tuple(
  fc.integer({ min: 1, max: STREAM_COUNT - 1 }).map(nameOfStream),
  fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

/** A delta that can be opened; only the container reads it. */
export const anyDeltaContent: fc.Arbitrary<DeltaContent> = fc
  .record({
    name: fc.constantFrom('tiny', 'libstdc++6', '0ad'),
    oldPackage: fc.constantFrom('tiny', 'linux-image-1-amd64'),
    oldVersion: fc.constantFrom('1', '1:2.3~rc1-4+b1'),
    sha256: hex(32),
    oldIdentity: hex(8),
    oldControlFiles: fc.uniqueArray(fc.nat(CONTROL_SOURCES.length - 1)).map((all) => new Set(all)),
    timestamp: fc.nat(),
    recipe: anyRecipe.filter((recipe) => recipe.kind !== 'xz' || recipe.preset < 9),
    isExact: fc.boolean(),
    lengths: fc.tuple(fc.nat(1 << 20), fc.nat(1 << 20), fc.nat(1 << 30), fc.nat(1 << 30)),
    streams: fc.array(stream, { maxLength: 12 }).map((all) => new Map(all)),
  })
  .map(({ name, sha256, recipe, isExact, lengths, streams, ...rest }) => {
    const [literal, packedControl, packedData, length] = lengths;
    const member = { kind: 'member', recipe } as const;
    const control = isExact ? member : { ...member, recipe: null };
    const parts = [
      { kind: 'literal', length: literal },
      { ...control, name: 'control', length, packedLength: packedControl },
      { ...member, name: 'data', length, packedLength: packedData },
    ] as const;
    const use = { streams: 1 << 20, madeFile: 0, oldFiles: 0, elfPair: 0 };
    const mebibyte = 2 ** 20;
    const header = {
      ...rest,
      package: name,
      architecture: 'amd64',
      newVersion: '2',
      target: { size: literal + packedControl + packedData, sha256 },
      expanded: { size: literal + 2 * length, sha256: sha256.split('').reverse().join('') },
      memoryBytes: Math.ceil(memoryNeeded(use, parts) / mebibyte) * mebibyte,
      parts,
    };
    return { header, streams };
  });
