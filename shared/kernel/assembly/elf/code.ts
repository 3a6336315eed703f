import { ElfImage, FILE_EXECUTABLE, NOWHERE, Section } from './image';
import { PositionSet } from './position-set';
import { Flag, Kind, ReferenceList } from './reference';
import {
  decode,
  displacement,
  Displacement,
  displacementAt,
  immediateAt,
  immediateBytes,
  prepareTables,
} from './x86-64';

/** Addresses below this are numbers, not references, even in an executable that starts at 0. */
const LOWEST_ADDRESS: u64 = 0x1000;

/**
 * References of one section of x86-64 code. Where data is referenced is noted in `dataTargets`,
 * for jump tables. In fixed-address executables numbers that are addresses count as references.
 */
export function findX86Code(
  image: ElfImage,
  section: Section,
  list: ReferenceList,
  dataTargets: PositionSet,
): void {
  prepareTables();
  const start = image.bytes + <usize>section.offset;
  const end = start + <usize>section.size;
  const fixed = image.type == FILE_EXECUTABLE;
  const lowest = max<u64>(image.lowest, LOWEST_ADDRESS);
  const fileToAddress = section.address - section.offset;
  let at = start;
  while (at < end) {
    const length = decode(at, end);
    if (length == 0) {
      at++;
      continue;
    }
    const offset = <u64>(at - image.bytes);
    const address = fileToAddress + offset;
    if (displacement != Displacement.None) {
      const field = at + displacementAt;
      const fieldOffset = offset + displacementAt;
      if (displacement == Displacement.ShortJump) {
        const target = address + length + <i64>load<i8>(field);
        if (target - section.address <= section.size) {
          list.add(fieldOffset, Kind.Relative8, image.position(target), 0, Flag.Detached);
        }
      } else if (displacement == Displacement.Number) {
        const target = <u64>(<i64>load<i32>(field));
        if (fixed && target >= lowest) {
          list.add(fieldOffset, Kind.Absolute32, image.loadedPosition(target));
        }
      } else {
        const target = image.loadedPosition(address + length + <i64>load<i32>(field));
        if (target != NOWHERE) {
          const behind = <i32>length - <i32>displacementAt - 4;
          list.add(fieldOffset, Kind.Relative32, target, 0, 0, behind);
          if (displacement == Displacement.Data) dataTargets.add(target);
        }
      }
    }
    if (fixed && immediateBytes == 4) {
      const target = <u64>(<i64>load<i32>(at + immediateAt));
      if (target >= lowest) {
        list.add(offset + immediateAt, Kind.Absolute32, image.loadedPosition(target));
      }
    }
    at += length;
  }
}

/** How many instructions an ADRP's result is followed; its page is told from the first use. */
const USE_WITHIN: u32 = 16;
/** For each register the page that ADRP put there, and until which instruction it is taken to be. */
const pages = memory.data(32 * 8);
const pageUntil = memory.data(32 * 4);
/** Registers that a called function may change: x0 to x18. */
const CHANGED_BY_CALLS: usize = 19;

/** References of one section of AArch64 code. */
export function findArmCode(
  image: ElfImage,
  section: Section,
  list: ReferenceList,
  dataTargets: PositionSet,
): void {
  const start = image.bytes + <usize>section.offset;
  const count = <u32>(section.size >> 2);
  memory.fill(pageUntil, 0, 32 * 4);
  for (let index: u32 = 0; index < count; index++) {
    const word = load<u32>(start + ((<usize>index) << 2));
    const address = section.address + ((<u64>index) << 2);
    const offset = section.offset + ((<u64>index) << 2);
    if ((word & 0x7c00_0000) == 0x1400_0000) {
      const target = address + branchDistance(word, 0, 26);
      list.add(offset, Kind.Branch26, image.loadedPosition(target));
      if (word >> 31) memory.fill(pageUntil, 0, CHANGED_BY_CALLS << 2);
    } else if (
      (word & 0xff00_0010) == 0x5400_0000 ||
      (word & 0x7e00_0000) == 0x3400_0000 ||
      (word & 0xbf00_0000) == 0x1800_0000
    ) {
      const target = address + branchDistance(word, 5, 19);
      list.add(offset, Kind.Branch19, image.loadedPosition(target), 0, Flag.Detached);
    } else if ((word & 0x7e00_0000) == 0x3600_0000) {
      const target = address + branchDistance(word, 5, 14);
      list.add(offset, Kind.Branch14, image.loadedPosition(target), 0, Flag.Detached);
    } else if ((word & 0x9f00_0000) == 0x9000_0000) {
      const distance = (((word >> 5) & 0x7_ffff) << 2) | ((word >> 29) & 3);
      const page = (address & ~(<u64>0xfff)) + <u64>((((<i64>distance) << 43) >> 43) * 4096);
      const register = <usize>(word & 31);
      store<u64>(pages + (register << 3), page);
      store<u32>(pageUntil + (register << 2), index + USE_WITHIN);
      const target = firstUse(image, start, index, count, word & 31, page);
      list.add(offset, Kind.Page21, target);
      if (target != NOWHERE) dataTargets.add(target);
    } else {
      const shift = offsetShift(word);
      const base = <usize>((word >> 5) & 31);
      if (shift >= 0 && index < load<u32>(pageUntil + (base << 2))) {
        const target = load<u64>(pages + (base << 3)) + ((((<u64>word) >> 10) & 0xfff) << shift);
        list.add(offset, Kind.PageOffset12, image.loadedPosition(target), 0, 0, shift);
      }
      // Most instructions write the register of their lowest bits; stores do not, and lose a page.
      store<u32>(pageUntil + ((<usize>(word & 31)) << 2), 0);
    }
  }
}

/** Position of what the first use of a page refers to, or of the page itself without one. */
function firstUse(
  image: ElfImage,
  start: usize,
  index: u32,
  count: u32,
  register: u32,
  page: u64,
): u32 {
  const last = min<u32>(count, index + USE_WITHIN);
  for (let use = index + 1; use < last; use++) {
    const word = load<u32>(start + ((<usize>use) << 2));
    if (((word >> 5) & 31) != register) continue;
    const shift = offsetShift(word);
    if (shift >= 0) return image.loadedPosition(page + ((((<u64>word) >> 10) & 0xfff) << shift));
  }
  return image.loadedPosition(page);
}

/** A signed field of instructions, in bytes. */
function branchDistance(word: u32, lowBit: u32, bits: u32): u64 {
  const field = <i64>((word >> lowBit) & ((1 << bits) - 1));
  return <u64>((field << (64 - bits)) >> (62 - bits));
}

/** By how much ADD, LDR and STR shift their twelve bits; -1 for other instructions. */
function offsetShift(word: u32): i32 {
  if ((word & 0xffc0_0000) == 0x9100_0000) return 0;
  if ((word & 0x3b00_0000) != 0x3900_0000) return -1;
  return (word & 0x0480_0000) == 0x0480_0000 ? 4 : <i32>(word >> 30);
}
