import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { TAR_STREAMS, type TarStreams } from '../../shared/tar-layout/columns.js';
import {
  TarLayoutDecoder,
  type TarLimits,
  type TarStretch,
} from '../../shared/tar-layout/decode.js';
import {
  TarLayoutEncoder,
  type ContentEntry,
  type FindOrigin,
} from '../../shared/tar-layout/encode.js';
import type { OldTree } from '../../shared/tar-layout/old-tree.js';
import { closing, temporaryFolder } from './cleanup.js';

export const EMPTY_TREE: OldTree = { paths: [], files: new Set(), size: () => 0 };

export const TEST_LIMITS: TarLimits = { bytes: 2 ** 24, entries: 10_000, newNameBytes: 2 ** 20 };

/** An old package with files of these sizes; paths without one are folders and links. */
export function oldTree(
  files: Readonly<Record<string, number>>,
  others: readonly string[] = [],
): OldTree {
  const paths = [...Object.keys(files), ...others].sort();
  return {
    paths,
    files: new Set(Object.keys(files)),
    size: (place) => files[paths[place] ?? ''] ?? 0,
  };
}

export interface EncodedTars {
  readonly streams: TarStreams;
  /** What the origin was asked for, tar after tar. */
  readonly contents: readonly ContentEntry[];
}

/** Encodes tars; everything is made unless `origin` says otherwise. */
export async function encodeTars(
  tars: readonly Buffer[],
  old: OldTree = EMPTY_TREE,
  origin: FindOrigin = () => ({ kind: 'made' }),
): Promise<EncodedTars> {
  const encoder = new TarLayoutEncoder();
  const contents: ContentEntry[] = [];
  const folder = await temporaryFolder();
  for (const [index, tar] of tars.entries()) {
    const path = join(folder, String(index));
    // Not at the start of the file, as in an image.
    await writeFile(path, Buffer.concat([Buffer.from('before'), tar, Buffer.from('after')]));
    const file = closing(await open(path, 'r'));
    await encoder.add({ file, start: 6, length: tar.length }, old, (entry) => {
      contents.push(entry);
      return origin(entry);
    });
  }
  return { streams: encoder.finish(), contents };
}

/** Decodes tars whose contents are taken from the real ones. */
export function decodeTars(
  streams: TarStreams,
  tars: readonly Buffer[],
  old: OldTree = EMPTY_TREE,
): Buffer[] {
  const decoder = new TarLayoutDecoder(streams);
  const decoded = tars.map((tar) => {
    const parts: Buffer[] = [];
    let at = 0;
    for (const stretch of decoder.tar(old, TEST_LIMITS)) {
      if (stretch.kind === 'empty' || stretch.kind === 'hardlink') continue;
      const bytes = stretch.kind === 'bytes' ? stretch.bytes : tar.subarray(at, at + stretch.size);
      parts.push(bytes);
      at += bytes.length;
    }
    return Buffer.concat(parts);
  });
  decoder.expectEnd();
  return decoded;
}

/** All stretches of one tar. */
export function stretchesOf(
  streams: TarStreams,
  old: OldTree = EMPTY_TREE,
  limits: TarLimits = TEST_LIMITS,
): TarStretch[] {
  const decoder = new TarLayoutDecoder(streams);
  const stretches = [...decoder.tar(old, limits)];
  decoder.expectEnd();
  return stretches;
}

export function streamBytes(streams: TarStreams): number {
  return TAR_STREAMS.reduce((sum, name) => sum + streams[name].length, 0);
}
