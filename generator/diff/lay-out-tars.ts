import { open } from 'node:fs/promises';

import { findTar, type ExpandedDeb } from '../../shared/deb/expand-deb.js';
import type { MemberPart } from '../../shared/delta/delta.js';
import { describeOldTrees } from '../../shared/delta/old-trees.js';
import { Summer } from '../../shared/delta/summer.js';
import { DebshoalError } from '../../shared/errors.js';
import { readExactly } from '../../shared/io/files.js';
import { md5 } from '../../shared/io/hash.js';
import { LIMITS } from '../../shared/limits.js';
import type { TarStreams } from '../../shared/tar-layout/columns.js';
import { TarLayoutDecoder } from '../../shared/tar-layout/decode.js';
import { TarLayoutEncoder, type Origin } from '../../shared/tar-layout/encode.js';
import type { SummedFile } from '../../shared/tar-layout/md5sums.js';
import type { OldTree } from '../../shared/tar-layout/old-tree.js';
import type { OldFile, OldFiles } from './old-files.js';

/** The new tars as a delta tells them, and the files in them by how they come about. */
export interface LaidOutTars {
  readonly streams: TarStreams;
  readonly copied: ReadonlySet<OldFile>;
  /** Places of old files of data.tar whose lengths tell those of new ones. */
  readonly measured: ReadonlySet<number>;
  /** Those that are neither copies nor empty, data before control. */
  readonly made: readonly MadeFile[];
  /** Of every file of data.tar, in its order. */
  readonly sums: readonly SummedFile[];
}

export interface MadeFile {
  readonly member: MemberPart['name'];
  /** As dpkg lists it, for control the bare name; empty for bytes after the end of a tar. */
  readonly path: string;
  readonly bytes: Buffer;
  /** Of the old entry which it replaces. */
  readonly place: number | null;
}

/** Tells copies from what has to be made, and codes all the rest of the tars. Reads each file once. */
export async function layOutTars(
  newDeb: ExpandedDeb,
  oldDeb: ExpandedDeb,
  old: OldFiles,
): Promise<LaidOutTars> {
  const sizes = new Map(
    old.all.map(({ source, size }) => [`${source.member} ${source.place}`, size]),
  );
  const measured = new Set<number>();
  const trees = describeOldTrees(oldDeb.listedPaths, old.controlFiles, {
    sizeOf: (member, place) => {
      if (member === 'data') measured.add(place);
      return sizes.get(`${member} ${place}`) ?? 0;
    },
    linkTargetOf: (place) => oldDeb.links.get(oldDeb.listedPaths[place] ?? '') ?? null,
  });
  const copied = new Set<OldFile>();
  const made: MadeFile[] = [];
  const sums: string[] = [];
  const encoder = new TarLayoutEncoder();
  const image = await open(newDeb.imagePath, 'r');
  try {
    for (const name of ['data', 'control'] as const) {
      const { imageOffset: start, length } = findTar(newDeb.parts, name);
      await encoder.add({ file: image, start, length }, trees[name], async (entry) => {
        if (entry.size > LIMITS.packageFileBytes) {
          throw new DebshoalError('limit-exceeded', `a file of ${entry.size} bytes in a package`);
        }
        const path = name === 'data' ? entry.path : entry.path.replace(/^\//, '');
        const bytes = await readExactly(image, entry.offset, entry.size);
        if (name === 'data' && bytes.length > 0) sums.push(md5(bytes));
        const same = path === '' ? undefined : old.identical({ member: name, path }, bytes);
        if (same) {
          copied.add(same);
          return { kind: 'copy', place: same.source.place };
        }
        if (bytes.length > 0) made.push({ member: name, path, bytes, place: entry.place });
        const nearOld = entry.place !== null && sizes.has(`${name} ${entry.place}`);
        return { kind: 'made', nearOld } satisfies Origin;
      });
    }
  } finally {
    await image.close();
  }
  const streams = encoder.finish();
  return { streams, copied, measured, made, sums: sumFiles(streams, trees.data, sums) };
}

/** Reads the layout as the decoder will, so that both compute the same md5sums. */
function sumFiles(
  streams: TarStreams,
  old: OldTree,
  sums: readonly string[],
): readonly SummedFile[] {
  const summer = new Summer();
  const left = sums.values();
  const limits = { bytes: Infinity, entries: Infinity, newNameBytes: Infinity };
  for (const item of new TarLayoutDecoder(streams).tar(old, limits)) {
    summer.add(item, () => left.next().value ?? '');
  }
  return summer.files;
}
