import { classifyElf } from '../../shared/elf/classify-elf.js';
import { matchElf, type ElfDelta } from '../../shared/elf/match-elf.js';
import type { SectionTable } from '../../shared/elf/section-table.js';
import type { Matches } from '../../shared/delta/matches.js';
import {
  plainClasses,
  ResidualWriter,
  type ResidualStreams,
} from '../../shared/delta/residuals.js';
import type { ElfPair } from '../../shared/delta/space-table.js';
import { isDebshoalError } from '../../shared/errors.js';
import { findMatches } from '../../shared/kernel/find-matches.js';
import { findElfStretches } from './elf-stretches.js';
import { MatchList } from './match-list.js';
import { matchPlain, type Stretch } from './match-plain.js';
import type { OldFiles } from './old-files.js';
import { predecessor, type NewContent, type OldContent } from './spaces.js';

/** Everything about the new space that a delta says, positions in the whole spaces. */
export interface MatchedSpaces {
  readonly matches: Matches;
  readonly elfPairs: readonly ElfPair[];
  readonly layouts: Buffer;
  readonly residuals: readonly ResidualStreams[];
  readonly elfStatistics: readonly ElfDelta['statistics'][];
  /** The largest pair of ELF files, both together. */
  readonly largestElfPair: number;
}

/** An ELF stretch of a made file with the old one that it was matched against. */
interface MatchedElf {
  readonly pair: ElfPair;
  readonly layout: Buffer;
  readonly table: SectionTable;
  readonly matches: Matches;
  readonly residual: Uint8Array;
  readonly oldBytes: Uint8Array;
  readonly statistics: ElfDelta['statistics'];
}

/** Matches ELF files with their predecessors, then all the rest with all that is left of the old. */
export function matchSpaces(
  made: readonly NewContent[],
  old: readonly OldContent[],
  oldFiles: OldFiles,
): MatchedSpaces {
  const segments = new Map(old.map(({ segment }, index) => [segment.file, index]));
  const elves = made.map((content, index) => {
    const from = predecessor(content.file, oldFiles);
    const segment = from ? segments.get(from.source) : undefined;
    return segment === undefined ? [] : matchElves(content, index, old, segment);
  });
  const stretches = plainStretches(made, elves);
  const isControl = (segment: OldContent['segment']): boolean => segment.file.member !== 'data';
  // Apart, because data.tar is made first, when its md5sums are not known yet.
  const plain = new Map([
    ...matchPlain(stretches.data, leftOver(old, made, elves)),
    ...matchPlain(
      stretches.control,
      old
        .filter(({ segment }) => isControl(segment))
        .map(({ at, content }) => ({ at, bytes: content })),
    ),
  ]);

  const matches = new MatchList();
  const writer = new ResidualWriter();
  for (const [index, content] of made.entries()) {
    let at = 0;
    for (const elf of [...(elves[index] ?? []), null]) {
      const end = elf ? elf.pair.at : content.content.length;
      if (end > at) {
        const stretch = plain.get(content.at + at);
        if (stretch === undefined) throw new Error('matchPlain left a stretch out');
        matches.addMoved(stretch.matches, content.at + at, 0);
        writer.add(stretch.residual, stretch.matches, plainClasses(end - at));
      }
      if (elf === null) break;
      const length = elf.residual.length;
      const segment = old[elf.pair.segment];
      matches.addMoved(elf.matches, content.at + end, (segment?.at ?? 0) + elf.pair.oldAt);
      writer.add(elf.residual, elf.matches, classifyElf(elf.table, length));
      at = end + length;
    }
  }
  const found = elves.flat();
  return {
    matches: matches.finish(),
    elfPairs: found.map(({ pair }) => pair),
    layouts: Buffer.concat(found.map(({ layout }) => layout)),
    residuals: writer.finish(),
    elfStatistics: found.map(({ statistics }) => statistics),
    largestElfPair: found.reduce(
      (most, { residual, oldBytes }) => Math.max(most, residual.length + oldBytes.length),
      0,
    ),
  };
}

/** The ELF stretches of one made file, each matched with its predecessor in the old file. */
function matchElves(
  made: NewContent,
  index: number,
  old: readonly OldContent[],
  segment: number,
): MatchedElf[] {
  const stretches = findElfStretches(made.content);
  const oldContent = old[segment]?.content;
  if (stretches.length === 0 || oldContent === undefined) return [];
  const oldStretches = findElfStretches(oldContent);
  return stretches.flatMap((stretch, number) => {
    const base =
      oldStretches.find(({ name }, i) => i === number && name === stretch.name) ??
      oldStretches.find(({ name }) => name === stretch.name) ??
      oldStretches[number];
    if (base === undefined) return [];
    const oldBytes = oldContent.subarray(base.at, base.at + base.length);
    const newBytes = made.content.subarray(stretch.at, stretch.at + stretch.length);
    const elf = matchWithinMemory(oldBytes, newBytes);
    if (elf === null) return [];
    const pair = {
      madeFile: index,
      at: stretch.at,
      length: stretch.length === made.content.length ? null : stretch.length,
      segment,
      oldAt: base.at,
      oldLength: base.length === oldContent.length ? null : base.length,
      layoutLength: elf.layout.length,
    };
    return [{ pair, oldBytes, ...elf }];
  });
}

/** Null when they are no ELF that we know, or too large for the kernel: then they are plain bytes. */
function matchWithinMemory(oldBytes: Uint8Array, newBytes: Uint8Array): ElfDelta | null {
  try {
    return matchElf(oldBytes, newBytes, findMatches);
  } catch (error) {
    if (isDebshoalError(error, 'limit-exceeded')) return null;
    throw error;
  }
}

/** What of the made files is no matched ELF. */
function plainStretches(
  made: readonly NewContent[],
  elves: readonly (readonly MatchedElf[])[],
): Record<'data' | 'control', Stretch[]> {
  const found: Record<'data' | 'control', Stretch[]> = { data: [], control: [] };
  for (const [index, { at: base, content, file }] of made.entries()) {
    const stretches = found[file.member];
    let at = 0;
    const add = (end: number): void => {
      if (end > at) stretches.push({ at: base + at, bytes: content.subarray(at, end) });
    };
    for (const { pair, residual } of elves[index] ?? []) {
      add(pair.at);
      at = pair.at + residual.length;
    }
    add(content.length);
  }
  return found;
}

/** Old bytes that new code without a predecessor is looked for in: more would take minutes. */
const MATCH_ALL_UP_TO = 256 * 2 ** 20;

/**
 * The old files of data.tar to match the rest with: all of them when there is new code without a
 * predecessor, else those that were not matched as ELF.
 */
function leftOver(
  old: readonly OldContent[],
  made: readonly NewContent[],
  elves: readonly (readonly MatchedElf[])[],
): Stretch[] {
  const oldBytes = old.reduce((sum, { content }) => sum + content.length, 0);
  const matchesAll =
    oldBytes <= MATCH_ALL_UP_TO &&
    made.some(({ content }, index) => {
      return findElfStretches(content).length > (elves[index] ?? []).length;
    });
  const matched = new Set(
    elves
      .flat()
      .flatMap(({ pair }) => (pair.oldLength === null ? [old[pair.segment]?.segment] : [])),
  );
  return old
    .filter(({ segment: { file } }) => file.member === 'data')
    .filter(({ segment }) => matchesAll || !matched.has(segment))
    .map(({ at, content }) => ({ at, bytes: content }));
}
