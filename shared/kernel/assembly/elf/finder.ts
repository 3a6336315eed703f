import { findArmCode, findX86Code } from './code';
import { findGoLines } from './go-lines';
import { findDynamic, findHeaders } from './headers';
import {
  ElfImage,
  FILE_EXECUTABLE,
  FILE_RELOCATABLE,
  MACHINE_X86_64,
  placePosition,
  placeSection,
  Role,
  Section,
  TYPE_BITS,
  TYPE_DYNAMIC,
  TYPE_DYNAMIC_SYMBOLS,
  TYPE_FINI_ARRAY,
  TYPE_INIT_ARRAY,
  TYPE_RELA,
  TYPE_RELR,
  TYPE_SYMBOLS,
} from './image';
import { findJumpTables } from './jump-tables';
import { newPositionSet, PositionSet } from './position-set';
import {
  firstFrom,
  Flag,
  isSectionFact,
  Kind,
  newReferenceList,
  Reference,
  REFERENCE_BYTES,
  ReferenceList,
  widthOf,
} from './reference';
import { radixSort } from './sort';
import {
  findAddresses,
  findOffsets,
  findPackedRelocations,
  findRelocations,
  findSymbols,
} from './tables';
import { findUnwindFrames, findUnwindIndex } from './unwind';

/** All references of an image; their targets and bases are numbers of `targets`. */
@unmanaged
export class References {
  list: ReferenceList;
  /** Positions of all targets and bases. */
  targets: PositionSet;
}

/**
 * Sections of a hostile table may all cover the whole file; honest ones do not overlap. What goes
 * beyond twice the file is not looked at.
 */
let budget: u64 = 0;

function affords(section: Section): bool {
  if (!section.hasBytes || section.size > budget) return false;
  budget -= section.size;
  return true;
}

export function findReferences(image: ElfImage): References {
  const dataTargets = newPositionSet(image.positions);
  const targets = newPositionSet(image.positions);
  const relocatable = image.type == FILE_RELOCATABLE;

  budget = 2 * <u64>image.length;
  const list = newReferenceList(image.length);
  for (let index: u32 = 0; !relocatable && index < image.sectionCount; index++) {
    const section = image.section(index);
    if (!section.isCode || !affords(section)) continue;
    if (image.machine == MACHINE_X86_64) findX86Code(image, section, list, dataTargets);
    else findArmCode(image, section, list, dataTargets);
  }

  const codeCount = list.count;
  findHeaders(image, list);
  const goLines = image.findBytes(Role.GoLines);
  if (goLines != null) findGoLines(image, goLines, list);
  for (let index: u32 = 0; index < image.sectionCount; index++) {
    const section = image.section(index);
    if ((section.isCode && !relocatable) || !affords(section)) continue;
    findInSection(image, section, list);
  }
  const readOnly = image.findBytes(Role.ReadOnlyData);
  if (readOnly != null && !relocatable) findJumpTables(image, readOnly, dataTargets, list);

  mergeInPlace(list, codeCount);
  detachPositional(image, list);
  numberTargets(list, targets);
  const references = changetype<References>(heap.alloc(offsetof<References>()));
  references.targets = targets;
  references.list = list;
  return references;
}

function findInSection(image: ElfImage, section: Section, list: ReferenceList): void {
  const relocatable = image.type == FILE_RELOCATABLE;
  const role = section.role;
  if (role == Role.UnwindFrames && !relocatable) {
    findUnwindFrames(image, section, list);
  } else if (role == Role.UnwindIndex) {
    findUnwindIndex(image, section, list);
  } else if (section.type == TYPE_RELA) {
    findRelocations(image, section, list);
  } else if (section.type == TYPE_RELR) {
    findPackedRelocations(image, section, list);
  } else if (section.type == TYPE_SYMBOLS || section.type == TYPE_DYNAMIC_SYMBOLS) {
    findSymbols(image, section, list);
  } else if (section.type == TYPE_DYNAMIC) {
    findDynamic(image, section, list);
  } else if (role == Role.Got || role == Role.GotPlt) {
    findAddresses(image, section, list);
  } else if (role == Role.GoTypeLinks) {
    const types = image.find(Role.ReadOnlyData);
    if (types >= 0) findOffsets(image, section, image.section(<u32>types), list);
  } else if (image.type == FILE_EXECUTABLE && section.isLoaded) {
    const hasData =
      section.type == TYPE_BITS ||
      section.type == TYPE_INIT_ARRAY ||
      section.type == TYPE_FINI_ARRAY;
    if (hasData && role != Role.Interpreter && role != Role.GoLines) {
      findAddresses(image, section, list);
    }
  }
}

/**
 * Puts the references of code, which come first in the list, and those of tables in order of the
 * file, without overlaps: what begins first, and of equal ones that of a table, stays.
 */
function mergeInPlace(list: ReferenceList, codeCount: u32): void {
  const total = list.count;
  const tableCount = total - codeCount;
  // Sorted copies beyond the list; then code moves to its end, where writing does not catch up.
  const code = sortedCopy(list, 0, codeCount);
  const tables = sortedCopy(list, codeCount, tableCount);
  const codeEnd = changetype<usize>(list.at(total));
  const codeStart = changetype<usize>(list.at(tableCount));
  const codeRows = code == 0 ? changetype<usize>(list.at(0)) : code;
  memory.copy(codeStart, codeRows, codeEnd - codeStart);

  let nextCode = codeStart;
  let nextTable = tables;
  const tablesEnd = tables + ((<usize>tableCount) << 4);
  let to = changetype<usize>(list.at(0));
  let end: u32 = 0;
  while (nextCode < codeEnd || nextTable < tablesEnd) {
    let row = nextCode;
    if (nextCode == codeEnd || (nextTable < tablesEnd && load<u32>(nextTable) <= load<u32>(row))) {
      row = nextTable;
      nextTable += REFERENCE_BYTES;
    } else {
      nextCode += REFERENCE_BYTES;
    }
    const offset = load<u32>(row);
    if (offset < end) continue;
    end = offset + widthOf(changetype<Reference>(row).kind);
    v128.store(to, v128.load(row));
    to += REFERENCE_BYTES;
  }
  list.count = <u32>((to - changetype<usize>(list.at(0))) >>> 4);
  heap.free(tables);
  if (code != 0) heap.free(code);
}
/** So many rows from `first` on in order of their offsets; 0 when they are already, for code. */
function sortedCopy(list: ReferenceList, first: u32, count: u32): usize {
  const isSorted = isInOrder(list, first, count);
  if (isSorted && first == 0) return 0;
  const copy = heap.alloc((<usize>count) << 4);
  if (isSorted) {
    memory.copy(copy, changetype<usize>(list.at(first)), (<usize>count) << 4);
    return copy;
  }
  const keys = heap.alloc((<usize>count) << 3);
  const scratch = heap.alloc((<usize>count) << 3);
  for (let row: u32 = 0; row < count; row++) {
    const offset = <u64>list.at(first + row).offset;
    store<u64>(keys + ((<usize>row) << 3), (offset << 32) | row);
  }
  const order = radixSort(keys, scratch, count, 32);
  for (let row: u32 = 0; row < count; row++) {
    const from = list.at(first + <u32>load<u64>(order + ((<usize>row) << 3)));
    v128.store(copy + ((<usize>row) << 4), v128.load(changetype<usize>(from)));
  }
  heap.free(scratch);
  heap.free(keys);
  return copy;
}

function isInOrder(list: ReferenceList, first: u32, count: u32): bool {
  let before: u32 = 0;
  for (let row: u32 = 0; row < count; row++) {
    const offset = list.at(first + row).offset;
    if (offset < before) return false;
    before = offset;
  }
  return true;
}

/** Entry n of .plt uses slot n of .got: such references tell nothing but the moves of sections. */
function detachPositional(image: ElfImage, list: ReferenceList): void {
  for (let role: i32 = Role.Plt; role <= Role.GotPlt; role++) {
    const section = image.findBytes(role);
    if (section == null) continue;
    const end = section.offset + section.size;
    for (let row = firstFrom(list, <u32>section.offset); row < list.count; row++) {
      const reference = list.at(row);
      if (<u64>reference.offset >= end) break;
      if (isSectionFact(reference)) continue;
      const target = sectionOfPosition(image, reference.target);
      if (!isSlotTable(image.section(target))) continue;
      reference.flags |= <u8>(Flag.Positional | Flag.Detached);
    }
  }
}

function isSlotTable(section: Section): bool {
  return section.role >= Role.Plt && section.role <= Role.GotPlt;
}

function sectionOfPosition(image: ElfImage, position: u32): u32 {
  return placeSection(image, rowOfPosition(image, position));
}

/** Row of places that holds a position, which must be one of the image. */
function rowOfPosition(image: ElfImage, position: u32): u32 {
  let low: u32 = 0;
  let high = image.placeCount;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (placePosition(image, middle) <= position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function usesBase(kind: i32): bool {
  return kind == Kind.FromBase32 || kind == Kind.FromBase64;
}

function numberTargets(list: ReferenceList, targets: PositionSet): void {
  for (let row: u32 = 0; row < list.count; row++) {
    const reference = list.at(row);
    if (isSectionFact(reference)) continue;
    targets.add(reference.target);
    if (usesBase(reference.kind)) targets.add(reference.base);
  }
  targets.seal();
  for (let row: u32 = 0; row < list.count; row++) {
    const reference = list.at(row);
    if (isSectionFact(reference)) continue;
    reference.target = targets.rank(reference.target);
    if (usesBase(reference.kind)) reference.base = targets.rank(reference.base);
  }
}
