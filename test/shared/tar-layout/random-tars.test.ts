import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  decodeTars,
  EMPTY_TREE,
  encodeTars,
  oldTree,
  streamBytes,
} from '../../support/tar-layout.js';
import { makeTar, tarHeader, type TinyEntry } from '../../support/tiny-deb.js';
import type { FindOrigin } from '../../../shared/tar-layout/encode.js';
import type { OldTree } from '../../../shared/tar-layout/old-tree.js';

const segment = fc.constantFrom('a', 'b', 'a.1', 'a-1.2.3', 'x'.repeat(60), 'é', 'lib.so.1', 'bin');
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
const entry: fc.Arbitrary<TinyEntry> = fc.record({
  path,
  content: fc.constantFrom('', 'x', 'content', 'y'.repeat(600)),
  type: fc.constantFrom('0', '0', '0', '5', '2', '1', '6'),
  link: fc.oneof(path, fc.constant(''), fc.constant('./a/b')),
});
const entries = fc.array(entry, { maxLength: 12 });

/** The old package with links too: known targets for every path that may be one. */
function treeOf(old: readonly TinyEntry[], knowsLinks: boolean): OldTree {
  const sizes: Record<string, number> = {};
  const others = new Set<string>();
  for (const { path: name, type, content = '' } of old) {
    if (type === '0') sizes[`/${name.toString()}`] = content.length;
    else others.add(`/${name.toString()}`);
  }
  const tree = oldTree(
    sizes,
    [...others].filter((name) => !(name in sizes)),
  );
  return knowsLinks
    ? { ...tree, linkTarget: (place) => (place % 3 === 0 ? null : `target-${place % 4}`) }
    : tree;
}

/** Copies where a file of the same size is, else made, near the old one or not. */
function originsFrom(tree: OldTree): FindOrigin {
  return ({ place, size, index }) => {
    const source = [place, index % Math.max(1, tree.paths.length)].find(
      (candidate) =>
        candidate !== null &&
        candidate < tree.paths.length &&
        tree.files.has(tree.paths[candidate] ?? '') &&
        tree.size(candidate) === size,
    );
    if (source !== undefined && source !== null) return { kind: 'copy', place: source };
    return { kind: 'made', nearOld: index % 2 === 0 };
  };
}

describe('layouts of random tars', () => {
  it('come back, whatever the old package had', async () => {
    await fc.assert(
      fc.asyncProperty(entries, entries, fc.boolean(), async (before, after, knowsLinks) => {
        const tree = treeOf(before, knowsLinks);
        const tars = [makeTar(after), makeTar(before)];
        const { streams } = await encodeTars(tars, tree, originsFrom(tree));
        const decoded = decodeTars(streams, tars, tree);
        expect(decoded.map((tar, index) => tar.equals(tars[index] ?? tar))).toEqual([true, true]);
      }),
      { numRuns: 60 },
    );
  });

  it('come back with damaged bytes anywhere', async () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(entries, damage, async (list, changes) => {
        const tar = makeTar(list);
        for (const [at, value] of changes) tar[at % tar.length] = value;
        const { streams } = await encodeTars([tar]);
        expect(decodeTars(streams, [tar])[0]?.equals(tar)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('come back with any header whose checksum is right', async () => {
    const field = fc.tuple(fc.nat(511), fc.uint8Array({ minLength: 1, maxLength: 12 }));
    await fc.assert(
      fc.asyncProperty(entries, fc.array(field, { maxLength: 4 }), async (list, fields) => {
        const header = tarHeader(Buffer.from('./odd'));
        for (const [at, bytes] of fields) Buffer.from(bytes).copy(header, at);
        header.fill(' ', 148, 156);
        const sum = header.reduce((total, byte) => total + byte, 0);
        header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
        const tar = Buffer.concat([header, makeTar(list)]);
        const { streams } = await encodeTars([tar], EMPTY_TREE);
        expect(decodeTars(streams, [tar])[0]?.equals(tar)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('are the same bytes each time', async () => {
    const tar = makeTar([
      { path: 'a', content: 'x' },
      { path: 'b', type: '2', link: 'a' },
    ]);
    const [first, second] = [await encodeTars([tar]), await encodeTars([tar])];
    expect(first.streams).toEqual(second.streams);
    expect(streamBytes(first.streams)).toBeGreaterThan(0);
  });
});
