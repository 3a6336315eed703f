import {
  type ElfSection,
  SECTION_NO_BITS,
  SECTION_NONE,
  type SectionTable,
} from './section-table.js';

/** A stretch of keys (places or file offsets) that belongs to one section. */
export interface Span {
  readonly start: bigint;
  /** Of the last key, less `start`: the key right behind the section counts, unless it is taken. */
  readonly reach: bigint;
  readonly section: number;
  readonly position: number;
}

const FILE_RELOCATABLE = 1;
const FLAG_LOADED = 2n;
const FLAG_THREAD_LOCAL = 0x400n;
/** Places of bytes that are not loaded lie beyond all addresses. */
const UNLOADED = 1n << 40n;
/** Positions that .bss may take: they cost memory on both sides. */
const NO_BITS_POSITIONS = 64 * 1024 * 1024;

/** Positions are 32 bits, and one value means none. */
const MOST_POSITIONS = 2 ** 31;

/** One numbering for all sections: the address of loaded ones, else beyond 2^40 by file offset. */
export function placeOf(table: SectionTable, section: ElfSection, index: number): bigint {
  if (table.fileType !== FILE_RELOCATABLE) {
    return (section.flags & FLAG_LOADED) !== 0n ? section.address : UNLOADED + section.offset;
  }
  if (section.type !== SECTION_NO_BITS) return UNLOADED + section.offset;
  return BigInt.asUintN(64, 2n * UNLOADED + section.offset + (BigInt(index) << 32n));
}

/** Spans by place, without overlaps, in order. */
export function spansOfPlaces(table: SectionTable, fileLength: number): Span[] {
  const spans = separate(
    rowsWith(table, (section) => {
      const isThreadLocal = (section.flags & FLAG_THREAD_LOCAL) !== 0n;
      return !(section.type === SECTION_NO_BITS && isThreadLocal);
    }).map(({ section, index }) => ({
      start: placeOf(table, section, index),
      size: section.size,
      index,
    })),
  );
  const most = BigInt(Math.min(4 * fileLength + NO_BITS_POSITIONS, MOST_POSITIONS));
  const kept: Span[] = [];
  let position = 0n;
  for (const span of spans) {
    if (position + span.reach + 1n > most) continue;
    kept.push({ ...span, position: Number(position) });
    position += span.reach + 1n;
  }
  return kept;
}

/** Spans by file offset, without overlaps, in order. */
export function spansOfOffsets(table: SectionTable): Span[] {
  return separate(
    rowsWith(table, (section) => section.type !== SECTION_NO_BITS).map(({ section, index }) => ({
      start: section.offset,
      size: section.size,
      index,
    })),
  );
}

/** The lowest and the highest address of loaded sections; lowest above highest when none is. */
export function loadedRange(table: SectionTable): { lowest: bigint; highest: bigint } {
  let lowest = (1n << 64n) - 1n;
  let highest = 0n;
  if (table.fileType === FILE_RELOCATABLE) return { lowest, highest };
  for (const section of table.sections) {
    if (section.type === SECTION_NONE || (section.flags & FLAG_LOADED) === 0n) continue;
    const end = BigInt.asUintN(64, section.address + section.size);
    if (section.address < lowest) lowest = section.address;
    if (end > highest) highest = end;
  }
  return { lowest, highest };
}

function rowsWith(table: SectionTable, condition: (section: ElfSection) => boolean) {
  return table.sections
    .map((section, index) => ({ section, index }))
    .filter(
      ({ section }) => section.type !== SECTION_NONE && section.size !== 0n && condition(section),
    );
}

interface Stretch {
  readonly start: bigint;
  readonly size: bigint;
  readonly index: number;
}

/** Where stretches overlap, the later start wins; of equal starts the later row. */
function separate(stretches: Stretch[]): Span[] {
  const sorted = stretches.toSorted((one, other) =>
    one.start < other.start ? -1 : one.start > other.start ? 1 : 0,
  );
  const spans: Span[] = [];
  sorted.forEach(({ start, size, index }, row) => {
    const next = sorted[row + 1];
    if (next?.start === start) return;
    const room = next === undefined ? (1n << 64n) - 1n - start : next.start - start - 1n;
    spans.push({ start, reach: size < room ? size : room, section: index, position: 0 });
  });
  return spans;
}
