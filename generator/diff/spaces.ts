import type { Segment } from '../../shared/delta/space-table.js';
import { DebshoalError } from '../../shared/errors.js';
import { MAX_SPACE } from '../../shared/delta/matches.js';
import type { Fold } from '../../shared/nested/fold.js';
import type { ProvenPacks } from './nested/proven-packs.js';
import { unfoldNew } from './nested/unfold-new.js';
import { unfoldOld } from '../../shared/nested/unfold.js';
import type { OldFile, OldFiles } from './old-files.js';
import type { MadeFile } from './lay-out-tars.js';

/** A made file in the new space, unfolded. */
export interface NewContent {
  readonly file: MadeFile;
  readonly at: number;
  readonly content: Buffer;
  readonly folds: readonly Fold[];
}

/** An old file in the old space, unfolded or as it is. */
export interface OldContent {
  readonly segment: Segment;
  readonly at: number;
  readonly content: Buffer;
}

/** Lays out the made files one after the other, their packed streams opened where that is exact. */
export async function layOutNew(
  made: readonly MadeFile[],
  proven: ProvenPacks,
): Promise<NewContent[]> {
  const unfolded = await unfoldNew(
    made.map(({ bytes }) => bytes),
    proven,
  );
  let at = 0;
  return made.map((file, index) => {
    const { content, folds } = unfolded[index] ?? { content: file.bytes, folds: [] };
    const laidOut = { file, at, content, folds };
    at = nextAt(at, content);
    return laidOut;
  });
}

/**
 * Lays out all old files that are not merely copied, and the computed md5sums as the last one. A
 * file is opened unless its successor stays closed: both must look alike to match.
 */
export async function layOutOld(
  old: OldFiles,
  copied: ReadonlySet<OldFile>,
  made: readonly NewContent[],
  computedMd5sums: Buffer,
): Promise<OldContent[]> {
  const closed = new Set(
    made.filter(({ folds }) => folds.length === 0).map(({ file }) => predecessor(file, old)),
  );
  const laidOut: OldContent[] = [];
  let at = 0;
  for (const file of old.all) {
    if (copied.has(file) || file.size === 0) continue;
    const bytes = await old.read(file);
    const unfolded = closed.has(file) ? bytes : await unfoldOld(bytes);
    const isUnfolded = !unfolded.equals(bytes);
    const content = isUnfolded ? unfolded : bytes;
    laidOut.push({ segment: { file: file.source, isUnfolded }, at, content });
    at = nextAt(at, content);
  }
  const computed = { member: 'computed', length: computedMd5sums.length } as const;
  laidOut.push({ segment: { file: computed, isUnfolded: false }, at, content: computedMd5sums });
  return laidOut;
}

/** The old file that a made one most likely comes from. */
export function predecessor(file: MadeFile, old: OldFiles): OldFile | undefined {
  return old.predecessor({ ...file, size: file.bytes.length });
}

function nextAt(at: number, content: Buffer): number {
  if (at + content.length > MAX_SPACE) {
    throw new DebshoalError('limit-exceeded', 'a package with more than 4 GiB of changed files');
  }
  return at + content.length;
}
