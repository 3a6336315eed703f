import fc from 'fast-check';

import type { Recipe } from '../../shared/deb/recipe.js';
import type { DeltaContent } from '../../shared/delta/container.js';
import {
  CONTROL_SOURCES,
  imageLength,
  memoryNeeded,
  type Operation,
} from '../../shared/delta/delta.js';

/** Generators of everything that a delta of version 0 can say. */

const gzipRecipe: fc.Arbitrary<Recipe & { kind: 'gzip' }> = fc.record({
  kind: fc.constant('gzip' as const),
  encoder: fc.constantFrom('gnu' as const, 'zlib' as const),
  level: fc.integer({ min: 1, max: 9 }),
  header: fc.uint8Array({ minLength: 10, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
});

export const anyRecipe: fc.Arbitrary<Recipe> = fc.oneof(
  fc.constant({ kind: 'stored' as const }),
  fc.record({
    kind: fc.constant('xz' as const),
    preset: fc.integer({ min: 0, max: 9 }),
    extreme: fc.boolean(),
    check: fc.constantFrom(0, 1, 4, 10),
    blockBytes: fc.option(fc.integer({ min: 1, max: 1 << 28 })),
  }),
  gzipRecipe,
  fc.record({
    kind: fc.constant('zstd' as const),
    level: fc.integer({ min: 1, max: 22 }),
    checksum: fc.boolean(),
    threaded: fc.boolean(),
  }),
);

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'));

const source = fc
  .record({
    member: fc.constantFrom('control' as const, 'data' as const),
    place: fc.nat(10_000),
    size: fc.nat(1 << 20),
    fingerprint: hex(8),
  })
  .map((one) => ({
    ...one,
    place: one.member === 'control' ? one.place % CONTROL_SOURCES.length : one.place,
  }));

interface RawOperation {
  readonly method: Operation['method'];
  readonly contentLength: number;
  readonly source: number;
  readonly openSource: boolean;
  readonly patchLength: number;
  readonly gzip: Operation['gzip'];
}

const operation: fc.Arbitrary<RawOperation> = fc.record({
  method: fc.constantFrom('literal' as const, 'copy' as const, 'bsdiff' as const, 'zstd' as const),
  contentLength: fc.nat(1 << 20),
  source: fc.nat(),
  openSource: fc.boolean(),
  patchLength: fc.integer({ min: 1, max: 50 }),
  gzip: fc.option(fc.record({ recipe: gzipRecipe, packedLength: fc.nat(1 << 20) })),
});

/** Makes an operation refer to one of `sources` sources, as far as its method does. */
function fitOperation(raw: RawOperation, sources: number): Operation {
  const needsSource = raw.method === 'copy' || raw.method === 'bsdiff';
  const mayHave = raw.method !== 'literal' && sources > 0;
  const method = needsSource && !mayHave ? 'zstd' : raw.method;
  const index = mayHave && (needsSource || raw.source % 2 === 0) ? raw.source % sources : null;
  return {
    method,
    contentLength: raw.contentLength,
    source: index,
    openSource: raw.openSource && index !== null,
    patchLength: method === 'bsdiff' || method === 'zstd' ? raw.patchLength : 0,
    gzip: raw.gzip,
  };
}

/** A consistent delta; its streams are noise, for only the container reads it. */
export const anyDeltaContent: fc.Arbitrary<DeltaContent> = fc
  .record({
    name: fc.constantFrom('tiny', 'libstdc++6', '0ad'),
    oldVersion: fc.constantFrom('1', '1:2.3~rc1-4+b1'),
    sha256: hex(32),
    fileList: hex(8),
    sources: fc.array(source, { maxLength: 20 }),
    operations: fc.array(operation, { maxLength: 20 }),
    recipe: anyRecipe.filter((recipe) => recipe.kind !== 'xz' || recipe.preset < 9),
    opened: fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 5 }),
    packed: fc.uint8Array({ maxLength: 60 }),
  })
  .map(({ name, oldVersion, sha256, fileList, sources, recipe, packed, ...rest }) => {
    const operations = rest.operations.map((raw) => fitOperation(raw, sources.length));
    const literals = operations.filter((one) => one.method === 'literal');
    const literalLength = literals.reduce((sum, one) => sum + one.contentLength, 0);
    const length = operations.reduce((sum, one) => sum + imageLength(one), 0);
    const parts = sources.length === 0 ? [] : rest.opened;
    const header = {
      package: name,
      architecture: 'amd64',
      oldVersion,
      newVersion: '2',
      target: { size: 4711, sha256 },
      fileList,
      parts: [{ kind: 'member' as const, length, recipe }],
      sources,
      dictionary: {
        length: 99,
        parts: parts.map(([at, openSource]) => ({ source: at % sources.length, openSource })),
      },
      operations,
    };
    return {
      header: { ...header, memoryBytes: memoryNeeded(header, literalLength) },
      literals: { packed, length: literalLength },
      patches: operations.map((one) => Buffer.alloc(one.patchLength, 7)),
    };
  });
