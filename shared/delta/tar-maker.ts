import { FoldDecoder } from '../nested/fold-codec.js';
import { TarLayoutDecoder } from '../tar-layout/decode.js';
import type { PackMany } from '../nested/pack.js';
import { parseConffiles, predictMd5sums } from '../tar-layout/md5sums.js';
import type { OpenDelta } from './container.js';
import type { MemberPart } from './delta.js';
import { MAX_SPACE, decodeMatches } from './matches.js';
import { NewSpace } from './new-space.js';
import { makeTar } from './new-tars.js';
import type { CheckedOldPackage } from './old-package.js';
import { OldSpace } from './old-space.js';
import { CONFFILES, describeOldTrees } from './old-trees.js';
import { ResidualReader } from './residuals.js';
import { decodeElfPairs, decodeSegments, unfoldedLengths } from './space-table.js';
import { Summer } from './summer.js';
import { splitGroups } from './stream-groups.js';

/** Makes the new tars, each once: first data.tar, then control.tar, which may need its md5sums. */
export interface TarMaker {
  data(part: MemberPart): AsyncIterable<Uint8Array>;
  control(part: MemberPart): AsyncIterable<Uint8Array>;
  /** `delta-damaged` when the delta brought more than was used. */
  expectEnd(): void;
  close(): Promise<void>;
}

/** Decodes the tables of a delta and opens the old files that it names; temporary files in `folder`. */
export async function openTarMaker(
  { streams }: OpenDelta,
  old: CheckedOldPackage,
  folder: string,
  pack: PackMany,
): Promise<TarMaker> {
  const groups = splitGroups(streams);
  const segments = decodeSegments(groups.segments);
  const oldSpace = await OldSpace.open(segments, old, folder);
  try {
    const matches = decodeMatches(groups.matches, MAX_SPACE, oldSpace.length);
    const pairs = decodeElfPairs(groups.elfPairs, segments.length);
    const elf = { pairs, layouts: groups.elfLayouts };
    const newSpace = new NewSpace(oldSpace, matches, elf, new ResidualReader(groups.residuals));
    const layout = new TarLayoutDecoder(groups.tars);
    const trees = describeOldTrees(old.listedPaths, old.controlFiles, old);
    const folds = new FoldDecoder(groups.folds);
    const unfoldedOld = unfoldedLengths(segments, (index) => oldSpace.segment(index).length);
    const ingredients = { old, trees, layout, newSpace, folds, unfoldedOld, pack };
    const needsMd5sums = segments.some(({ file }) => file.member === 'computed');
    return {
      async *data(part) {
        const summer = needsMd5sums ? new Summer() : null;
        yield* makeTar(part, ingredients, summer);
        const conffiles = parseConffiles(old.controlFiles[CONFFILES] ?? Buffer.alloc(0));
        if (summer) oldSpace.setComputedMd5sums(predictMd5sums(summer.files, conffiles));
      },
      control: (part) => makeTar(part, ingredients, null),
      expectEnd: () => {
        layout.expectEnd();
        folds.expectEnd();
        newSpace.expectEnd();
      },
      close: () => oldSpace.close(),
    };
  } catch (error) {
    await oldSpace.close();
    throw error;
  }
}
