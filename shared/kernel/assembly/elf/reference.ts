import { release, reserve } from '../memory-stack';
import { NOWHERE } from './image';

/** How the bytes of a reference say its target. */
export const enum Kind {
  /** Distance from the end of the instruction, four bytes. */
  Relative32,
  Relative8,
  Absolute64,
  Absolute32,
  /** Distance from a base, in units of `scale`. */
  FromBase32,
  FromBase64,
  /** Distance back from the field itself. */
  Back32,
  /** AArch64: fields inside one instruction word. */
  Branch26,
  Branch19,
  Branch14,
  Page21,
  PageOffset12,
  /** Facts of the section table; target and base are section numbers. */
  SectionAddress,
  SectionOffset,
  SectionSize,
  SectionEnd,
  /** From the start of section `target` to the end of section `base`. */
  SectionSpan,
  SectionTable,
}
export const KIND_COUNT: u32 = 18;

export const enum Flag {
  /** The target is the byte after a stretch (a size), which moves with the byte before it. */
  End = 1,
  /** Says nothing about where its target went, and is not told by others. */
  Detached = 2,
  /** Entry n of one table means entry n of another: only the sections' moves count. */
  Positional = 4,
  /** Eight more than the entry before. */
  Successive = 8,
}

/** 16 bytes each, sorted by place in the file. */
@unmanaged
export class Reference {
  offset: u32;
  kind: u8;
  flags: u8;
  /** Bytes from the field to the end of its instruction, or what else the kind adds. */
  adjust: i8;
  scale: u8;
  /** While finding: positions. Afterwards: numbers of targets. */
  target: u32;
  base: u32;
}

const REFERENCE_BYTES: usize = 16;

export function widthOf(kind: i32): u32 {
  if (kind == Kind.Relative8) return 1;
  if (kind == Kind.Absolute64 || kind == Kind.FromBase64 || kind >= Kind.SectionAddress) return 8;
  return 4;
}

/** It tells of the section table, and has no target. */
export function isSectionFact(reference: Reference): bool {
  return <i32>reference.kind >= Kind.SectionAddress;
}

/** Of 16 bytes each, a quarter of all memory; both sides stop at the same one. */
const MOST_REFERENCES: u32 = 60_000_000;

@unmanaged
export class ReferenceList {
  rows: usize;
  count: u32;
  capacity: u32;
  fileLength: u32;

  at(index: u32): Reference {
    return changetype<Reference>(this.rows + <usize>index * REFERENCE_BYTES);
  }

  /** Ignored when the target or base is nowhere, or when the field leaves the file. */
  add(
    offset: u64,
    kind: i32,
    target: u32,
    base: u32 = 0,
    flags: u32 = 0,
    adjust: i32 = 0,
    scale: u32 = 1,
  ): void {
    if (target == NOWHERE || base == NOWHERE) return;
    if (offset + widthOf(kind) > this.fileLength) return;
    if (this.count == this.capacity && !this.grow()) return;
    const row = this.at(this.count++);
    row.offset = <u32>offset;
    row.kind = <u8>kind;
    row.flags = <u8>flags;
    row.adjust = <i8>adjust;
    row.scale = <u8>scale;
    row.target = target;
    row.base = base;
  }

  /** In place, for the list is the newest block, which the finder sees to. */
  private grow(): bool {
    if (this.capacity >= MOST_REFERENCES) return false;
    this.capacity = min<u32>(this.capacity + (this.capacity >> 2) + 4096, MOST_REFERENCES);
    release(this.rows);
    this.rows = reserve(<usize>this.capacity * REFERENCE_BYTES);
    return true;
  }
}

export function newReferenceList(fileLength: u32): ReferenceList {
  const list = changetype<ReferenceList>(reserve(offsetof<ReferenceList>()));
  list.count = 0;
  list.capacity = 4096;
  list.fileLength = fileLength;
  list.rows = reserve(4096 * REFERENCE_BYTES);
  return list;
}

/** Row of the first reference at or after `offset`. */
export function firstFrom(list: ReferenceList, offset: u32): u32 {
  let low: u32 = 0;
  let high = list.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list.at(middle).offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
