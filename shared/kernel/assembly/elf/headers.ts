import { ElfImage, FILE_RELOCATABLE, NOWHERE, Role, Section } from './image';
import { Flag, Kind, ReferenceList } from './reference';

const SECTION_HEADER_BYTES: u64 = 64;
const PROGRAM_HEADER_BYTES: u64 = 56;
const THREAD_LOCAL: u64 = 0x400;
const SEGMENT_THREAD_LOCAL: u32 = 7;
/** Segments are looked for among all sections: real files have a dozen. */
const MOST_SEGMENTS: u64 = 64;

/** ELF header, section table and program headers, all told by the new section table. */
export function findHeaders(image: ElfImage, list: ReferenceList): void {
  if (image.length < 64) return;
  if (image.type != FILE_RELOCATABLE) {
    const entry = load<u64>(image.bytes + 24);
    if (entry != 0) list.add(24, Kind.Absolute64, image.loadedPosition(entry));
  }
  list.add(40, Kind.SectionTable, 0);
  for (let index: u32 = 1; index < image.sectionCount; index++) {
    const row = image.sectionTable + <u64>index * SECTION_HEADER_BYTES;
    list.add(row + 16, Kind.SectionAddress, index);
    list.add(row + 24, Kind.SectionOffset, index);
    list.add(row + 32, Kind.SectionSize, index);
  }
  const table = load<u64>(image.bytes + 32);
  const count = min<u64>(<u64>load<u16>(image.bytes + 56), MOST_SEGMENTS);
  for (let index: u64 = 0; index < count; index++) {
    const at = table + index * PROGRAM_HEADER_BYTES;
    if (table > image.length || at + PROGRAM_HEADER_BYTES > image.length) return;
    findSegment(image, at, list);
  }
}

/** A segment begins and ends with sections. */
function findSegment(image: ElfImage, at: u64, list: ReferenceList): void {
  const field = image.bytes + <usize>at;
  const type = load<u32>(field);
  const offset = load<u64>(field + 8);
  const address = load<u64>(field + 16);
  const fileSize = load<u64>(field + 32);
  const memorySize = load<u64>(field + 40);
  if (memorySize == 0) return;
  if (offset == 0) {
    for (let index: u32 = 1; index < image.sectionCount; index++) {
      const section = image.section(index);
      if (!section.isLoaded || section.address + section.size != address + memorySize) continue;
      list.add(at + 32, Kind.SectionEnd, index);
      list.add(at + 40, Kind.SectionEnd, index);
    }
    return;
  }
  for (let first: u32 = 1; first < image.sectionCount; first++) {
    const section = image.section(first);
    if (!section.isLoaded || section.address != address) continue;
    if ((section.flags & THREAD_LOCAL) != 0 && type != SEGMENT_THREAD_LOCAL) continue;
    list.add(at + 8, Kind.SectionOffset, first);
    list.add(at + 16, Kind.SectionAddress, first);
    list.add(at + 24, Kind.SectionAddress, first);
    for (let last = first; last < image.sectionCount; last++) {
      const other = image.section(last);
      if (!other.isLoaded) continue;
      const end = other.address + other.size;
      if (other.hasBytes && end == address + fileSize) {
        list.add(at + 32, Kind.SectionSpan, first, last);
      }
      if (end == address + memorySize) list.add(at + 40, Kind.SectionSpan, first, last);
    }
    return;
  }
}

/** Tags of .dynamic whose value is the size of a section. */
function sizedRole(tag: u64): i32 {
  if (tag == 2) return Role.RelaPlt;
  if (tag == 8) return Role.RelaDyn;
  if (tag == 10) return Role.DynamicStrings;
  if (tag == 27) return Role.InitArray;
  if (tag == 28) return Role.FiniArray;
  return Role.Other;
}

/** Tags whose value is neither an address nor a size of a section: numbers and flags. */
function isNumberTag(tag: u64): bool {
  if (tag <= 2 || tag == 9 || tag == 11 || tag == 30) return true;
  return tag == 0x6fff_fff9 || tag == 0x6fff_fffb || tag == 0x6fff_ffff;
}

/** .dynamic: names, sizes and addresses of sections, single addresses. */
export function findDynamic(image: ElfImage, section: Section, list: ReferenceList): void {
  const strings = image.find(Role.DynamicStrings);
  const end = section.offset + section.size;
  for (let at = section.offset; at + 16 <= end; at += 16) {
    const tag = load<u64>(image.bytes + <usize>at);
    const value = load<u64>(image.bytes + <usize>at + 8);
    const sized = sizedRole(tag);
    if (sized != Role.Other) {
      const index = image.find(sized);
      if (index >= 0 && image.section(<u32>index).size == value) {
        list.add(at + 8, Kind.SectionSize, <u32>index);
      }
    } else if (tag == 1 || tag == 14 || tag == 15 || tag == 29) {
      if (strings < 0) continue;
      const place = image.section(<u32>strings).place;
      const target = image.position(place + value);
      list.add(at + 8, Kind.FromBase64, target, image.position(place), Flag.Detached);
    } else if (!isNumberTag(tag)) {
      const target = image.loadedPosition(value);
      if (target == NOWHERE) continue;
      const index = sectionAt(image, value);
      if (index >= 0) list.add(at + 8, Kind.SectionAddress, <u32>index);
      else list.add(at + 8, Kind.Absolute64, target);
    }
  }
}

function sectionAt(image: ElfImage, address: u64): i32 {
  const index = image.sectionOfPlace(address);
  if (index < 0) return -1;
  const section = image.section(<u32>index);
  return section.isLoaded && section.address == address && section.size != 0 ? index : -1;
}
