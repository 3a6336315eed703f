import { release, reserve } from '../memory-stack';
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
  const references = changetype<References>(reserve(offsetof<References>()));
  const merged = changetype<ReferenceList>(reserve(offsetof<ReferenceList>()));
  const targets = newPositionSet(image.positions);
  const start = reserve(0);
  const dataTargets = newPositionSet(image.positions);
  const relocatable = image.type == FILE_RELOCATABLE;

  budget = 2 * <u64>image.length;
  const code = newReferenceList(image.length);
  for (let index: u32 = 0; !relocatable && index < image.sectionCount; index++) {
    const section = image.section(index);
    if (!section.isCode || !affords(section)) continue;
    if (image.machine == MACHINE_X86_64) findX86Code(image, section, code, dataTargets);
    else findArmCode(image, section, code, dataTargets);
  }

  // It is the newest block still: what it has grown too far is for the tables.
  release(code.rows);
  reserve((<usize>code.count + 1) << 4);
  const tables = newReferenceList(image.length);
  findHeaders(image, tables);
  const goLines = image.findBytes(Role.GoLines);
  if (goLines != null) findGoLines(image, goLines, tables);
  for (let index: u32 = 0; index < image.sectionCount; index++) {
    const section = image.section(index);
    if ((section.isCode && !relocatable) || !affords(section)) continue;
    findInSection(image, section, tables);
  }
  const readOnly = image.findBytes(Role.ReadOnlyData);
  if (readOnly != null && !relocatable) findJumpTables(image, readOnly, dataTargets, tables);

  mergeLists(code, tables, merged);
  // It takes the place of the lists that it was made of: for a browser they are half a gigabyte.
  const rows = merged.rows;
  const bytes = (<usize>merged.count) << 4;
  release(start);
  merged.rows = reserve(bytes);
  memory.copy(merged.rows, rows, bytes);
  references.targets = targets;
  references.list = merged;
  detachPositional(image, references.list);
  numberTargets(references.list, targets);
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

/** One list in order of the file, without overlaps: what begins first, and was found first, stays. */
function mergeLists(code: ReferenceList, tables: ReferenceList, merged: ReferenceList): void {
  const total = code.count + tables.count;
  merged.rows = reserve((<usize>total) << 4);
  merged.capacity = total;
  merged.fileLength = code.fileLength;
  merged.count = 0;
  const codeOrder = orderOf(code);
  const tableOrder = orderOf(tables);
  let inCode: u32 = 0;
  let inTables: u32 = 0;
  let end: u32 = 0;
  let codeRow = rowInOrder(code, codeOrder, 0);
  let tableRow = rowInOrder(tables, tableOrder, 0);
  while (inCode < code.count || inTables < tables.count) {
    let row = codeRow;
    if (inCode == code.count || (inTables < tables.count && tableRow.offset <= codeRow.offset)) {
      row = tableRow;
      tableRow = rowInOrder(tables, tableOrder, ++inTables);
    } else {
      codeRow = rowInOrder(code, codeOrder, ++inCode);
    }
    if (row.offset < end) continue;
    end = row.offset + widthOf(row.kind);
    const to = changetype<usize>(merged.at(merged.count++));
    store<u64>(to, load<u64>(changetype<usize>(row)));
    store<u64>(to, load<u64>(changetype<usize>(row), 8), 8);
  }
}

/** The n-th row in order; past the last one a row that must not be used. */
function rowInOrder(list: ReferenceList, order: usize, index: u32): Reference {
  if (order == 0 || index >= list.count) return list.at(index);
  return list.at(<u32>load<u64>(order + ((<usize>index) << 3)));
}

/** Offset and row of all references, in order of offsets; 0 when they are in order as they are. */
function orderOf(list: ReferenceList): usize {
  let before: u32 = 0;
  let row: u32 = 0;
  while (row < list.count && list.at(row).offset >= before) before = list.at(row++).offset;
  if (row == list.count) return 0;
  const bytes = (<usize>list.count) << 3;
  const keys = reserve(bytes);
  for (row = 0; row < list.count; row++) {
    store<u64>(keys + ((<usize>row) << 3), ((<u64>list.at(row).offset) << 32) | row);
  }
  return radixSort(keys, reserve(bytes), list.count, 32);
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
