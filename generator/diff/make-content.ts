import { exactForm, expandedForm } from '../../shared/deb/deb-forms.js';
import type { ExpandedDeb } from '../../shared/deb/expand-deb.js';
import type { DeltaContent } from '../../shared/delta/container.js';
import { memoryNeeded, type DeltaHeader, type TargetPart } from '../../shared/delta/delta.js';
import { encodeFingerprints } from '../../shared/delta/fingerprints.js';
import { encodeMatches } from '../../shared/delta/matches.js';
import { identifyOldPackage } from '../../shared/delta/old-package.js';
import { CONFFILES } from '../../shared/delta/old-trees.js';
import {
  encodeElfPairs,
  encodeSegments,
  expectedLength,
  unfoldedLengths,
} from '../../shared/delta/space-table.js';
import { joinGroups } from '../../shared/delta/stream-groups.js';
import { encodeFolds, type FoldedFile } from '../../shared/nested/fold-codec.js';
import { parseConffiles, predictMd5sums } from '../../shared/tar-layout/md5sums.js';
import { describeEnvelope } from './describe-envelope.js';
import { countPacked, type DecodingCounts } from './estimate-decoding.js';
import { fingerprintUnsummed } from './fingerprint-unsummed.js';
import { hashExpanded } from './hash-forms.js';
import { layOutTars, type LaidOutTars } from './lay-out-tars.js';
import { matchSpaces, type MatchedSpaces } from './match-spaces.js';
import { openOldFiles } from './old-files.js';
import type { ProvenPacks } from './nested/proven-packs.js';
import { keepUsed, type UsedSpaces } from './keep-used.js';
import { layOutNew, layOutOld, type NewContent } from './spaces.js';

/** How many references of code to other places were foreseen, and how many not. */
export interface PredictedReferences {
  readonly hits: number;
  readonly misses: number;
}

export interface MadeContent extends DeltaContent {
  readonly references: PredictedReferences;
  /** What applying does, but for expanding the streams. */
  readonly work: MadeWork;
}

type MadeWork = Omit<DecodingCounts, 'streamBytes' | 'mixedBytes'>;

/**
 * Finds out how the new package comes about from the old: everything that a delta contains. `proven`
 * gets what nested streams were packed to.
 */
export async function makeContent(
  oldDeb: ExpandedDeb,
  newDeb: ExpandedDeb,
  parts: readonly TargetPart[],
  proven: ProvenPacks,
): Promise<MadeContent> {
  const old = await openOldFiles(oldDeb);
  try {
    const tars = await layOutTars(newDeb, oldDeb, old);
    const made = await layOutNew(tars.made, proven);
    const conffiles = parseConffiles(old.controlFiles[CONFFILES] ?? Buffer.alloc(0));
    const computed = predictMd5sums(tars.sums, conffiles);
    const oldSpace = await layOutOld(old, tars.copied, made, computed);
    const matched = matchSpaces(made, oldSpace, old);
    const used = keepUsed(matched, oldSpace);

    const envelope = await describeEnvelope(newDeb, parts);
    const expandedPieces = expandedForm(exactForm(parts, envelope.bytes));
    const streams = joinGroups({
      envelope: envelope.stream,
      fingerprints: encodeFingerprints(await fingerprintUnsummed(old, tars, used.segments)),
      tars: tars.streams,
      segments: encodeSegments(used.segments),
      folds: encodeFolds(withLengths(made, used)),
      matches: encodeMatches(used.matches),
      elfPairs: encodeElfPairs(used.elfPairs),
      elfLayouts: matched.layouts,
      residuals: matched.residuals,
    });
    const largest = (lengths: readonly number[]): number =>
      lengths.reduce((a, b) => Math.max(a, b), 0);
    const memoryBytes = memoryNeeded(
      {
        streams: [...streams.values()].reduce((sum, { length }) => sum + length, 0),
        madeFile: largest(made.map(({ file, content }) => file.bytes.length + content.length)),
        oldFiles: largest([
          ...oldSpace.map(({ content }) => content.length),
          ...[...tars.copied].map(({ size }) => size),
        ]),
        elfPair: matched.largestElfPair,
      },
      parts,
    );
    const header: DeltaHeader = {
      package: newDeb.control.package,
      architecture: newDeb.control.architecture,
      oldPackage: oldDeb.control.package,
      oldVersion: oldDeb.control.version,
      newVersion: newDeb.control.version,
      target: { size: newDeb.size, sha256: newDeb.sha256 },
      expanded: await hashExpanded(newDeb, expandedPieces),
      memoryBytes,
      oldIdentity: identifyOldPackage(oldDeb.listedPaths, old.controlFiles),
      oldControlFiles: new Set(
        old.controlFiles.flatMap((file, number) => (file === null ? [] : [number])),
      ),
      timestamp: envelope.timestamp,
      parts,
    };
    const references = countReferences(matched.elfStatistics);
    return { header, streams, references, work: countWork(tars, made, matched, used) };
  } finally {
    await old.close();
  }
}

function countReferences(statistics: MatchedSpaces['elfStatistics']): PredictedReferences {
  const kinds = statistics.flatMap((one) => Object.values(one));
  return kinds.reduce(
    (sum, { hits, misses }) => ({ hits: sum.hits + hits, misses: sum.misses + misses }),
    { hits: 0, misses: 0 },
  );
}

function countWork(
  { copied }: LaidOutTars,
  made: readonly NewContent[],
  { elfBytes, codeBytes }: MatchedSpaces,
  { segments, lengths }: UsedSpaces,
): MadeWork {
  const sum = <T>(items: Iterable<T>, of: (item: T, index: number) => number): number =>
    [...items].reduce((total, item, index) => total + of(item, index), 0);
  return {
    copiedFiles: copied.size,
    copiedBytes: sum(copied, ({ size }) => size),
    madeFiles: made.length,
    plainBytes: sum(made, ({ content }) => content.length) - elfBytes,
    elfBytes: elfBytes - codeBytes,
    codeBytes,
    unfoldedBytes: sum(segments, ({ isUnfolded }, i) => (isUnfolded ? (lengths[i] ?? 0) : 0)),
    ...countPacked(made.flatMap(({ folds }) => folds)),
  };
}

/** Folds with what the decoder knows when it meets them. */
function withLengths(made: readonly NewContent[], { segments, lengths }: UsedSpaces): FoldedFile[] {
  const unfoldedOld = unfoldedLengths(segments, (index) => lengths[index] ?? 0);
  return made.map(({ file: { member, place, bytes }, folds }) => ({
    folds,
    packedLength: bytes.length,
    ...expectedLength(unfoldedOld, member, place),
  }));
}
