import { ElfImage, NOWHERE, Role, Section } from './image';
import { Flag, Kind, ReferenceList } from './reference';

/** Magic of Go 1.18 and 1.20 on; function records differ by one word. */
const MAGIC_18: u32 = 0xffff_fff0;
const MAGIC_20: u32 = 0xffff_fff1;
const MOST_FUNCTION_TABLES: u32 = 64;

let list: ReferenceList = changetype<ReferenceList>(0);
let image: ElfImage = changetype<ElfImage>(0);

/** A four-byte distance from a base, in units of `scale`. */
function addDistance(at: u64, place: u64, base: u32, flags: u32, scale: u32 = 1): void {
  const distance = <u64>load<u32>(image.bytes + <usize>at) * scale;
  list.add(at, Kind.FromBase32, image.position(place + distance), base, flags, 0, scale);
}

/** .gopclntab: functions, their names, files and line tables, all as distances. */
export function findGoLines(elf: ElfImage, section: Section, references: ReferenceList): void {
  image = elf;
  list = references;
  const start = image.bytes + <usize>section.offset;
  if (section.size < 72) return;
  const magic = load<u32>(start);
  if (magic != MAGIC_18 && magic != MAGIC_20) return;
  const functions = load<u64>(start + 8);
  const textStart = load<u64>(start + 24);
  const names = load<u64>(start + 32);
  const units = load<u64>(start + 40);
  const files = load<u64>(start + 48);
  const tables = load<u64>(start + 56);
  const lines = load<u64>(start + 64);
  let text = textStart;
  if (textStart != 0) {
    list.add(section.offset + 24, Kind.Absolute64, image.loadedPosition(textStart));
  } else {
    const index = image.find(Role.Text);
    if (index >= 0) text = image.section(<u32>index).address;
  }
  const whole = image.position(section.place);
  for (let field: u64 = 32; field <= 64; field += 8) {
    const part = load<u64>(start + <usize>field);
    if (part > section.size) return;
    const target = image.position(section.place + part);
    list.add(section.offset + field, Kind.FromBase64, target, whole, Flag.Detached);
  }
  if (functions > section.size >> 3 || lines + 8 * functions + 4 > section.size) return;

  const recordBytes: u64 = magic == MAGIC_20 ? 44 : 40;
  const textBase = image.position(text);
  const linesBase = image.position(section.place + lines);
  const namesBase = image.position(section.place + names);
  const unitsBase = image.position(section.place + units);
  const tablesBase = image.position(section.place + tables);
  const data = goFunctionData(section, magic);
  const dataBase = data == 0 ? NOWHERE : image.loadedPosition(data);
  for (let row: u64 = 0; row <= functions; row++) {
    const at = section.offset + lines + 8 * row;
    addDistance(at, text, textBase, Flag.Detached);
    if (row == functions) break;
    addDistance(at + 4, section.place + lines, linesBase, Flag.Detached);
    const record = lines + load<u32>(image.bytes + <usize>at + 4);
    if (record + recordBytes > section.size) continue;
    const from = section.offset + record;
    addDistance(from, text, textBase, Flag.Detached);
    addDistance(from + 4, section.place + names, namesBase, 0);
    for (let field: u64 = 16; field < 28; field += 4) {
      addTableDistance(from + field, section.place + tables, tablesBase);
    }
    addDistance(from + 32, section.place + units, unitsBase, Flag.Detached, 4);
    const tableCount = load<u32>(image.bytes + <usize>from + 28);
    const dataCount = <u32>load<u8>(image.bytes + <usize>(from + recordBytes) - 1);
    if (tableCount > MOST_FUNCTION_TABLES || dataCount > MOST_FUNCTION_TABLES) continue;
    const behind = record + recordBytes;
    if (behind + 4 * (tableCount + dataCount) > section.size) continue;
    const own = section.offset + behind;
    for (let index: u32 = 0; index < tableCount; index++) {
      addTableDistance(own + 4 * index, section.place + tables, tablesBase);
    }
    if (dataBase == NOWHERE) continue;
    for (let index = tableCount; index < tableCount + dataCount; index++) {
      const field = own + 4 * index;
      if (load<u32>(image.bytes + <usize>field) == 0xffff_ffff) continue;
      addDistance(field, data, dataBase, 0);
    }
  }
  addFiles(section, units, files);
}

function addTableDistance(at: u64, place: u64, base: u32): void {
  if (load<u32>(image.bytes + <usize>at) != 0) addDistance(at, place, base, 0);
}

/** Compilation units: the files of each. */
function addFiles(section: Section, units: u64, files: u64): void {
  const base = image.position(section.place + files);
  for (let part = units; part + 4 <= files; part += 4) {
    const at = section.offset + part;
    if (load<u32>(image.bytes + <usize>at) == 0xffff_ffff) continue;
    addDistance(at, section.place + files, base, 0);
  }
}

/**
 * The base of function data (go:func.*) is a word of the module data, which begins with the address
 * of this section; 0 when there is none.
 */
function goFunctionData(lines: Section, magic: u32): u64 {
  const words: u64 = magic == MAGIC_20 ? 40 : 38;
  for (let attempt = 0; attempt < 4; attempt++) {
    const role =
      attempt == 0
        ? Role.GoModule
        : attempt == 1
          ? Role.GoPlainData
          : attempt == 2
            ? Role.Data
            : Role.ReadOnlyAfterRelocation;
    const section = image.findBytes(role);
    if (section == null) continue;
    const end = section.offset + section.size;
    for (let at = section.offset; at + 8 * 42 <= end; at += 8) {
      if (load<u64>(image.bytes + <usize>at) != lines.place) continue;
      const value = load<u64>(image.bytes + <usize>(at + 8 * words));
      if (image.loadedPosition(value) != NOWHERE) return value;
      break;
    }
  }
  return 0;
}
