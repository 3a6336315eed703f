import { reserve } from '../memory-stack';
import { ElfImage, MACHINE_AARCH64, Role, Section } from './image';
import { TargetMap } from './target-map';

/**
 * Slots of .got and entries of .plt belong to symbols by name, in any order: the linker sorts them
 * anew for each build. Both tables are joined by the hash of the name; a collision costs a wrong
 * prediction, nothing else.
 */

const RELA_BYTES: u64 = 24;
const SYMBOL_BYTES: u64 = 24;
const PLT_ENTRY_BYTES: u64 = 16;
/** Longer names are told apart by their beginning: each name may be walked once per relocation. */
const LONGEST_NAME: u64 = 1024;

/** Rows of the table: hash of the name (0: free), old slot, old entry of .plt (0: none), taken. */
const ROW_BYTES: usize = 32;
let table: usize = 0;
let mask: usize = 0;

/** What `readSlot` found. */
let nameHash: u64 = 0;
let slot: u64 = 0;
let pltEntry: u64 = 0;

export function learnSymbolSlots(map: TargetMap, newBytes: usize): void {
  const oldCount = countOf(map.old, Role.RelaPlt) + countOf(map.old, Role.RelaDyn);
  let capacity: usize = 16;
  while (capacity < <usize>oldCount * 2) capacity <<= 1;
  mask = capacity - 1;
  table = reserve(capacity * ROW_BYTES);
  memory.fill(table, 0, capacity * ROW_BYTES);
  walk(map, map.old, map.old.bytes, false);
  walk(map, map.new_, newBytes, true);
}

function countOf(image: ElfImage, role: i32): u64 {
  const section = image.findBytes(role);
  return section == null ? 0 : section.size / RELA_BYTES;
}

function walk(map: TargetMap, image: ElfImage, bytes: usize, join: bool): void {
  const symbols = image.findBytes(Role.DynamicSymbols);
  const strings = image.findBytes(Role.DynamicStrings);
  if (symbols == null || strings == null) return;
  for (let part = 0; part < 2; part++) {
    const section = image.findBytes(part == 0 ? Role.RelaPlt : Role.RelaDyn);
    if (section == null) continue;
    const count = section.size / RELA_BYTES;
    for (let row: u64 = 0; row < count; row++) {
      if (!readSlot(image, bytes, section, row, symbols, strings)) continue;
      if (join) joinSlot(map);
      else storeSlot();
    }
  }
}

/** False for relocations that are no slots of named symbols. */
function readSlot(
  image: ElfImage,
  bytes: usize,
  section: Section,
  row: u64,
  symbols: Section,
  strings: Section,
): bool {
  const field = bytes + <usize>(section.offset + row * RELA_BYTES);
  const type = load<u32>(field + 8);
  const symbol = <u64>load<u32>(field + 12);
  const isJump = type == 7 || type == 1026;
  if (!isJump && type != 6 && type != 1025) return false;
  if (symbol == 0 || (symbol + 1) * SYMBOL_BYTES > symbols.size) return false;
  const name = <u64>load<u32>(bytes + <usize>(symbols.offset + symbol * SYMBOL_BYTES));
  if (name >= strings.size) return false;
  nameHash = hashName(bytes + <usize>(strings.offset + name), strings.size - name);
  slot = load<u64>(field);
  pltEntry = 0;
  const second = image.find(Role.PltSecond);
  const plt = second >= 0 ? second : image.find(Role.Plt);
  if (isJump && plt >= 0) {
    let before: u64 = second >= 0 ? 0 : 1;
    if (image.machine == MACHINE_AARCH64) before++;
    pltEntry = image.section(<u32>plt).place + (row + before) * PLT_ENTRY_BYTES;
  }
  return true;
}

function hashName(name: usize, most: u64): u64 {
  const limit = <usize>min<u64>(most, LONGEST_NAME);
  let hash: u64 = 0xcbf2_9ce4_8422_2325;
  for (let index: usize = 0; index < limit; index++) {
    const letter = load<u8>(name + index);
    if (letter == 0) break;
    hash = (hash ^ letter) * 0x100_0000_01b3;
  }
  return hash == 0 ? 1 : hash;
}

/** The row of `nameHash`, or the free one where it belongs. */
function findRow(): usize {
  let index = (<usize>(nameHash ^ (nameHash >> 29))) & mask;
  let row = table + index * ROW_BYTES;
  while (load<u64>(row) != 0 && load<u64>(row) != nameHash) {
    index = (index + 1) & mask;
    row = table + index * ROW_BYTES;
  }
  return row;
}

function storeSlot(): void {
  const row = findRow();
  if (load<u64>(row) != 0) return;
  store<u64>(row, nameHash);
  store<u64>(row, slot, 8);
  store<u64>(row, pltEntry, 16);
}

function joinSlot(map: TargetMap): void {
  const row = findRow();
  if (load<u64>(row) == 0 || load<u64>(row, 24) != 0) return;
  store<u64>(row, 1, 24);
  map.learnByName(load<u64>(row, 8), slot);
  const oldEntry = load<u64>(row, 16);
  if (oldEntry != 0 && pltEntry != 0) map.learnByName(oldEntry, pltEntry);
}

/** End of the tables in the new file that slots are read from; -1 when it has none. */
export function symbolTablesEnd(image: ElfImage): u64 {
  let end: u64 = 0;
  for (let role: i32 = Role.RelaPlt; role <= Role.DynamicStrings; role++) {
    const section = image.findBytes(role);
    if (section != null) end = max<u64>(end, section.offset + section.size);
  }
  return end == 0 ? <u64>-1 : end;
}
