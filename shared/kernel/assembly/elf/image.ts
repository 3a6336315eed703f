/**
 * One side of a pair: its bytes and its section table as shared/elf/section-table.ts prepared them.
 * The table may come from a hostile layout: every offset is checked again where bytes are read.
 */

/** What the finder does with a section; the order is that of ROLES in shared/elf/section-table.ts. */
export const enum Role {
  Other,
  Plt,
  PltSecond,
  Got,
  GotPlt,
  RelaPlt,
  RelaDyn,
  DynamicSymbols,
  DynamicStrings,
  UnwindFrames,
  UnwindIndex,
  GoLines,
  GoTypeLinks,
  GoModule,
  GoPlainData,
  Data,
  ReadOnlyAfterRelocation,
  ReadOnlyData,
  Text,
  Interpreter,
  InitArray,
  FiniArray,
  DebugLink,
  BuildId,
}

const SECTION_CODE: u64 = 4;
const SECTION_LOADED: u64 = 2;
const TYPE_NONE: u32 = 0;
export const TYPE_BITS: u32 = 1;
export const TYPE_SYMBOLS: u32 = 2;
export const TYPE_RELA: u32 = 4;
export const TYPE_DYNAMIC: u32 = 6;
const TYPE_NO_BITS: u32 = 8;
export const TYPE_DYNAMIC_SYMBOLS: u32 = 11;
export const TYPE_INIT_ARRAY: u32 = 14;
export const TYPE_FINI_ARRAY: u32 = 15;
export const TYPE_RELR: u32 = 19;

export const FILE_RELOCATABLE: u32 = 1;
export const FILE_EXECUTABLE: u32 = 2;
export const MACHINE_X86_64: u32 = 62;
export const MACHINE_AARCH64: u32 = 183;

/** No position, no section. */
export const NOWHERE: u32 = 0xffff_ffff;

/** One row of the section table; shared/elf/kernel.ts writes the fields in this order. */
@unmanaged
export class Section {
  role: i32;
  type: u32;
  flags: u64;
  /** Where its bytes are in one numbering of all sections: address, or file offset beyond 2^40. */
  place: u64;
  address: u64;
  offset: u64;
  size: u64;
  link: u32;
  info: u32;
  entrySize: u64;
  /** Index of the same section in the other image, or -1. */
  counterpart: i32;
  reserved: u32;

  get isCode(): bool {
    return (this.flags & SECTION_CODE) != 0;
  }
  get isLoaded(): bool {
    return (this.flags & SECTION_LOADED) != 0;
  }
  get hasBytes(): bool {
    return this.type != TYPE_NO_BITS && this.type != TYPE_NONE && this.size != 0;
  }
}

/** A stretch of places or of file offsets that belongs to one section, the next byte included. */
@unmanaged
class Span {
  start: u64;
  /** The last key that is still in here, less `start`; spans never overlap. */
  reach: u64;
  section: u32;
  /** Positions number all places of all sections without gaps, so that they fit bit sets. */
  position: u32;
}

@unmanaged
export class ElfImage {
  bytes: usize;
  length: u32;
  type: u32;
  machine: u32;
  sectionCount: u32;
  sections: usize;
  placeCount: u32;
  offsetCount: u32;
  places: usize;
  offsets: usize;
  positions: u32;
  recentPlace: u32;
  recentOffset: u32;
  sectionTable: u64;
  lowest: u64;
  highest: u64;
  /** For each role the first section that has it, or -1. */
  firstOfRole: usize;

  section(index: u32): Section {
    return changetype<Section>(this.sections + <usize>index * offsetof<Section>());
  }

  /** Row of the span of places that holds `place`, or -1. */
  spanOf(place: u64): i32 {
    const recent = rowOf(this.places, this.recentPlace);
    if (this.placeCount != 0 && place - recent.start <= recent.reach) return <i32>this.recentPlace;
    const row = searchSpans(this.places, this.placeCount, place);
    if (row >= 0) this.recentPlace = <u32>row;
    return row;
  }

  sectionOfPlace(place: u64): i32 {
    const row = this.spanOf(place);
    return row < 0 ? -1 : <i32>rowOf(this.places, <u32>row).section;
  }

  sectionOfOffset(offset: u64): i32 {
    const recent = rowOf(this.offsets, this.recentOffset);
    if (this.offsetCount != 0 && offset - recent.start <= recent.reach) {
      return <i32>recent.section;
    }
    const row = searchSpans(this.offsets, this.offsetCount, offset);
    if (row < 0) return -1;
    this.recentOffset = <u32>row;
    return <i32>rowOf(this.offsets, <u32>row).section;
  }

  /** Place of a byte of the file. */
  placeOfOffset(offset: u64): u64 {
    const index = this.sectionOfOffset(offset);
    if (index < 0) return ((<u64>1) << 40) + offset;
    const section = this.section(<u32>index);
    return section.place + (offset - section.offset);
  }

  position(place: u64): u32 {
    const row = this.spanOf(place);
    if (row < 0) return NOWHERE;
    const span = rowOf(this.places, <u32>row);
    return span.position + <u32>(place - span.start);
  }

  /** As `position`, for what must be an address of loaded bytes: most values are none at all. */
  loadedPosition(place: u64): u32 {
    return place < this.lowest || place > this.highest ? NOWHERE : this.position(place);
  }

  /** First section of a role, or -1. */
  find(role: i32): i32 {
    return load<i32>(this.firstOfRole + ((<usize>role) << 2));
  }

  /** First section of a role that has bytes in the file, or null. */
  findBytes(role: i32): Section | null {
    const index = this.find(role);
    if (index < 0) return null;
    const section = this.section(<u32>index);
    return section.hasBytes ? section : null;
  }
}

export function placeStart(image: ElfImage, row: u32): u64 {
  return rowOf(image.places, row).start;
}
export function placeSection(image: ElfImage, row: u32): u32 {
  return rowOf(image.places, row).section;
}
export function placePosition(image: ElfImage, row: u32): u32 {
  return rowOf(image.places, row).position;
}

function rowOf(table: usize, row: u32): Span {
  return changetype<Span>(table + <usize>row * offsetof<Span>());
}

function searchSpans(table: usize, count: u32, key: u64): i32 {
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rowOf(table, middle).start <= key) low = middle + 1;
    else high = middle;
  }
  if (low == 0) return -1;
  const span = rowOf(table, low - 1);
  return key - span.start <= span.reach ? <i32>(low - 1) : -1;
}
