import { join } from 'node:path';

import { expandDeb, type ExpandedDeb } from '../../shared/deb/expand-deb.js';
import { seriesOf } from '../../shared/deb/series.js';
import { describeEncoded, encodeDelta, type Coding } from '../../shared/delta/container.js';
import { largestEncoder, type FileIdentity } from '../../shared/delta/delta.js';
import { openExpandedDeb } from '../../shared/delta/old-deb.js';
import { DebshoalError } from '../../shared/errors.js';
import type { Work } from '../../shared/index/deltas-index.js';
import { withTemporaryFolder, writeFileAtomically } from '../../shared/io/files.js';
import { countStreams, estimateDecoding, type DecodingCounts } from './estimate-decoding.js';
import { estimateCompression, type CompressionCounts } from './estimate-compression.js';
import { findPacking, type Packing } from './find-packing.js';
import { ProvenPacks } from './nested/proven-packs.js';
import { makeContent, type PredictedReferences } from './make-content.js';
import { proveDelta } from './prove-delta.js';

/** What a diff did; sizes in bytes, times in seconds. */
export interface DiffReport {
  readonly package: string;
  readonly oldVersion: string;
  readonly newVersion: string;
  readonly oldBytes: number;
  readonly newBytes: number;
  readonly deltaBytes: number;
  /** For the exact form. */
  readonly memoryBytes: number;
  /** The part of it that only the exact form needs. */
  readonly encoderBytes: number;
  /** Why the delta rebuilds only the expanded form; null when it rebuilds both. */
  readonly unreproducible: string | null;
  /** Of the new .deb, for its next diff. */
  readonly packing: Packing;
  /** The new .deb in its expanded form. */
  readonly expanded: FileIdentity;
  /** Estimated for the index, and what from; compression for each member. */
  readonly work: Work;
  readonly workCounts: {
    readonly decode: DecodingCounts;
    readonly compress: readonly CompressionCounts[];
  };
  readonly references: PredictedReferences;
  readonly seconds: {
    readonly total: number;
    readonly expand: number;
    /** Finding the recipes that compress the members exactly as they are; 0 when they were known. */
    readonly recipes: number;
    readonly match: number;
    readonly prove: number;
  };
}

export interface DiffOptions {
  readonly temporaryParent?: string;
  /** `fast` by default. */
  readonly coding?: Coding;
  /** What an earlier diff to the same new .deb has found. */
  readonly packing?: Packing | undefined;
}

/**
 * Makes the delta from one .deb to another and proves it by rebuilding. Two packages in, a
 * container out: nothing outside this folder knows how a delta is found.
 */
export async function diffDebs(
  oldPath: string,
  newPath: string,
  target: string,
  { temporaryParent, coding, packing: known }: DiffOptions = {},
): Promise<DiffReport> {
  return withTemporaryFolder(async (folder) => {
    const clock = stopwatch();
    const oldDeb = await expandDeb(oldPath, join(folder, 'old-image'));
    const newDeb = await expandDeb(newPath, join(folder, 'new-image'));
    checkPair(oldDeb, newDeb);
    const expand = clock();
    const packing = known ?? (await findPacking(newDeb));
    const { parts, unreproducible } = packing;
    const recipes = clock();
    const proven = new ProvenPacks();
    const content = await makeContent(oldDeb, newDeb, parts, proven);
    const delta = await encodeDelta(content, coding);
    const match = clock();
    const workCounts = {
      decode: { ...content.work, ...countStreams(describeEncoded(delta)) },
      compress: packing.counts,
    };
    const work = {
      decode: estimateDecoding(workCounts.decode),
      compress: estimateCompression(workCounts.compress),
    };
    const unproven = join(folder, 'unproven.delta');
    await writeFileAtomically(unproven, delta);
    const old = await openExpandedDeb(oldDeb);
    try {
      await proveDelta(unproven, old, newDeb, folder, proven);
    } finally {
      await old.close();
    }
    await writeFileAtomically(target, delta);
    const prove = clock();
    return {
      package: newDeb.control.package,
      oldVersion: oldDeb.control.version,
      newVersion: newDeb.control.version,
      oldBytes: oldDeb.size,
      newBytes: newDeb.size,
      deltaBytes: delta.length,
      memoryBytes: content.header.memoryBytes,
      encoderBytes: largestEncoder(parts),
      unreproducible,
      packing,
      expanded: content.header.expanded,
      work,
      workCounts,
      references: content.references,
      seconds: { total: expand + recipes + match + prove, expand, recipes, match, prove },
    };
  }, temporaryParent);
}

/** A delta between packages that have nothing in common is a mistake. */
function checkPair(oldDeb: ExpandedDeb, newDeb: ExpandedDeb): void {
  const [a, b] = [oldDeb.control.package, newDeb.control.package];
  if (seriesOf(a) !== seriesOf(b)) {
    throw new DebshoalError('usage', `${a} and ${b} are different packages`, {
      hint: 'give two versions of one package',
    });
  }
}

/** Seconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    return seconds;
  };
}
