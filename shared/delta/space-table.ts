import { DebshoalError } from '../errors.js';
import { ByteReader, ByteWriter } from '../io/byte-codec.js';
import { LIMITS } from '../limits.js';
import { CONTROL_SOURCES, type SourceFile } from './delta.js';
import { MAX_SPACE } from './matches.js';

/*
 * The two spaces that matches lead between. The old space is made of old files, one after the
 * other: those of data.tar by place, control files by number, and the md5sums that were computed
 * from the new files. The new space is made of the files that are no copies, in the order in which
 * they are made.
 */

/** What md5sums should say about the new data.tar, as a file to copy from. */
interface ComputedMd5sums {
  readonly member: 'computed';
  readonly length: number;
}

/** A stretch of the old space. */
export interface Segment {
  readonly file: SourceFile | ComputedMd5sums;
  /** Packed streams inside are replaced by their content (`unfoldOld`). */
  readonly isUnfolded: boolean;
}

const COMPUTED_MD5SUMS = CONTROL_SOURCES.length;

/** Segments as varints: steps between places, the lowest bit for unfolded ones. */
export function encodeSegments(segments: readonly Segment[]): Buffer {
  const out = new ByteWriter();
  out.varint(segments.filter(({ file }) => file.member === 'data').length);
  let next = 0;
  for (const { file, isUnfolded } of segments) {
    const place = file.member === 'computed' ? COMPUTED_MD5SUMS : file.place;
    out.varint(2 * (file.member === 'data' ? place - next : place) + (isUnfolded ? 1 : 0));
    if (file.member === 'data') next = place + 1;
    if (file.member === 'computed') out.varint(file.length);
  }
  return out.finish();
}

export function decodeSegments(bytes: Buffer): Segment[] {
  const input = new ByteReader(bytes);
  if (input.remaining === 0) return [];
  const dataCount = input.varint(LIMITS.deltaSources);
  const segments: Segment[] = [];
  let next = 0;
  for (let i = 0; i < dataCount; i++) {
    const value = input.varint(2 * LIMITS.deltaSources);
    const place = next + Math.floor(value / 2);
    segments.push({ file: { member: 'data', place }, isUnfolded: value % 2 === 1 });
    next = place + 1;
  }
  // Each once, or a delta of zeros would be a billion segments.
  next = 0;
  while (input.remaining > 0) {
    const value = input.varint(2 * COMPUTED_MD5SUMS + 1);
    const place = Math.floor(value / 2);
    if (place < next) throw new DebshoalError('delta-damaged', 'control files out of order');
    next = place + 1;
    const isUnfolded = value % 2 === 1;
    if (place < COMPUTED_MD5SUMS) segments.push({ file: { member: 'control', place }, isUnfolded });
    else {
      const length = input.varint(LIMITS.controlTarBytes);
      segments.push({ file: { member: 'computed', length }, isUnfolded: false });
    }
  }
  return segments;
}

/** Lengths of the unfolded old files by source, as `sourceKey` has it. */
export function unfoldedLengths(
  segments: readonly Segment[],
  lengthOf: (index: number) => number,
): Map<string, number> {
  return new Map(
    segments.flatMap(({ file, isUnfolded }, index) =>
      isUnfolded && file.member !== 'computed' ? [[sourceKey(file), lengthOf(index)]] : [],
    ),
  );
}

function sourceKey({ member, place }: SourceFile): string {
  return `${member} ${place}`;
}

/** What `FileLengths` has of the unfolded old file that a made one replaces, if there is one. */
export function expectedLength(
  unfoldedOld: ReadonlyMap<string, number>,
  member: SourceFile['member'],
  place: number | null,
): { expectedLength?: number } {
  const length = place === null ? undefined : unfoldedOld.get(sourceKey({ member, place }));
  return length === undefined ? {} : { expectedLength: length };
}

/** A stretch of a made file that is an ELF file, and the old one that it is predicted from. */
export interface ElfPair {
  /** Index of the made file, and where in its unfolded content. */
  readonly madeFile: number;
  readonly at: number;
  /** Null: to the end of the content. */
  readonly length: number | null;
  readonly segment: number;
  readonly oldAt: number;
  readonly oldLength: number | null;
  /** Bytes of the stream of layouts. */
  readonly layoutLength: number;
}

/** Pairs as varints; what a package of whole files repeats is zero. */
export function encodeElfPairs(pairs: readonly ElfPair[]): Buffer {
  const out = new ByteWriter();
  let file = 0;
  let segment = 0;
  for (const pair of pairs) {
    const isWhole = pair.at === 0 && pair.length === null;
    const isWholeOld = pair.oldAt === 0 && pair.oldLength === null;
    out.varint((pair.madeFile - file) * 4 + (isWhole ? 0 : 1) + (isWholeOld ? 0 : 2));
    out.signedVarint(pair.segment - segment);
    out.varint(pair.layoutLength);
    if (!isWhole) {
      out.varint(pair.at);
      out.varint(pair.length ?? 0);
    }
    if (!isWholeOld) {
      out.varint(pair.oldAt);
      out.varint(pair.oldLength ?? 0);
    }
    file = pair.madeFile + (isWhole ? 1 : 0);
    segment = pair.segment + (isWholeOld ? 1 : 0);
  }
  return out.finish();
}

/** Pairs in the order of their made files; `delta-damaged` when they are not. */
export function decodeElfPairs(bytes: Buffer, segmentCount: number): ElfPair[] {
  const input = new ByteReader(bytes);
  const pairs: ElfPair[] = [];
  let file = 0;
  let nextSegment = 0;
  while (input.remaining > 0) {
    if (pairs.length === LIMITS.deltaSources) {
      throw new DebshoalError('limit-exceeded', 'too many ELF files');
    }
    const value = input.varint(4 * LIMITS.deltaSources);
    const madeFile = file + Math.floor(value / 4);
    const segment = nextSegment + input.signedVarint(LIMITS.deltaSources);
    if (segment < 0 || segment >= segmentCount) {
      throw new DebshoalError('delta-damaged', 'an ELF file from no old file');
    }
    const layoutLength = input.varint(LIMITS.deltaBytes);
    const isWhole = value % 2 === 0;
    const isWholeOld = value % 4 < 2;
    const [at, length] = isWhole ? [0, null] : [input.varint(MAX_SPACE), input.varint(MAX_SPACE)];
    const [oldAt, oldLength] = isWholeOld
      ? [0, null]
      : [input.varint(MAX_SPACE), input.varint(MAX_SPACE)];
    pairs.push({ madeFile, at, length, segment, oldAt, oldLength, layoutLength });
    file = madeFile + (isWhole ? 1 : 0);
    nextSegment = segment + (isWholeOld ? 1 : 0);
  }
  return pairs;
}
