import { ElfImage, FILE_RELOCATABLE, MACHINE_X86_64, NOWHERE, Role, Section } from './image';
import { Flag, Kind, ReferenceList } from './reference';

const SYMBOL_BYTES: u64 = 24;
const RELA_BYTES: u64 = 24;
const SYMBOL_FUNCTION: u32 = 2;
const SYMBOL_SECTION: u32 = 3;
const SYMBOL_THREAD_LOCAL: u32 = 6;
const FIRST_SPECIAL_SECTION: u32 = 0xff00;

/** .rela.*: what is relocated, by which symbol, to which address. */
export function findRelocations(image: ElfImage, section: Section, list: ReferenceList): void {
  const relocatable = image.type == FILE_RELOCATABLE;
  let symbols: Section | null = null;
  let symbolBase: u32 = NOWHERE;
  if (section.link > 0 && section.link < image.sectionCount) {
    const linked = image.section(section.link);
    if (linked.entrySize == SYMBOL_BYTES && linked.hasBytes) {
      symbols = linked;
      symbolBase = image.position(linked.place);
    }
  }
  let patchedPlace: u64 = 0;
  let patchedBase: u32 = NOWHERE;
  if (relocatable && section.info < image.sectionCount) {
    patchedPlace = image.section(section.info).place;
    patchedBase = image.position(patchedPlace);
  }
  const count = section.size / RELA_BYTES;
  for (let row: u64 = 0; row < count; row++) {
    const at = section.offset + row * RELA_BYTES;
    const field = image.bytes + <usize>at;
    const patched = load<u64>(field);
    const type = load<u32>(field + 8);
    const symbol = <u64>load<u32>(field + 12);
    const addend = load<u64>(field + 16);
    if (relocatable) {
      const target = image.position(patchedPlace + patched);
      list.add(at, Kind.FromBase64, target, patchedBase, Flag.Detached);
    } else {
      let flags: u32 = 0;
      if (section.role == Role.RelaPlt) {
        flags = Flag.Detached | (row ? Flag.Successive : Flag.Positional);
      }
      list.add(at, Kind.Absolute64, image.loadedPosition(patched), 0, flags);
    }
    if (symbols != null && symbol != 0) {
      const target = image.position(symbols.place + symbol * SYMBOL_BYTES);
      list.add(at + 12, Kind.FromBase32, target, symbolBase, Flag.Detached, 0, <u32>SYMBOL_BYTES);
    }
    if (!relocatable) {
      findAddend(image, at + 16, type, patched, addend, list);
    } else if (symbols != null && symbol != 0) {
      findSectionAddend(image, symbols, at + 16, type, symbol, addend, list);
    }
  }
}

/** Relative relocations hold an address, and often the patched field holds it as well. */
function findAddend(
  image: ElfImage,
  at: u64,
  type: u32,
  patched: u64,
  addend: u64,
  list: ReferenceList,
): void {
  const isAddress =
    image.machine == MACHINE_X86_64
      ? type == 8 /* RELATIVE */ || type == 37 /* IRELATIVE */
      : type == 1027 /* RELATIVE */ || type == 1032; /* IRELATIVE */
  if (!isAddress) return;
  const target = image.loadedPosition(addend);
  if (target == NOWHERE) return;
  list.add(at, Kind.Absolute64, target);
  const index = image.sectionOfPlace(patched);
  if (index < 0) return;
  const section = image.section(<u32>index);
  if (!section.hasBytes) return;
  const field = section.offset + (patched - section.place);
  if (field + 8 > image.length || load<u64>(image.bytes + <usize>field) != addend) return;
  list.add(field, Kind.Absolute64, target);
}

/** Object files: section symbol plus addend, which is a place in that section. */
function findSectionAddend(
  image: ElfImage,
  symbols: Section,
  at: u64,
  type: u32,
  symbol: u64,
  addend: u64,
  list: ReferenceList,
): void {
  if ((symbol + 1) * SYMBOL_BYTES > symbols.size) return;
  const row = image.bytes + <usize>(symbols.offset + symbol * SYMBOL_BYTES);
  if ((load<u8>(row + 4) & 15) != SYMBOL_SECTION) return;
  const index = <u32>load<u16>(row + 6);
  if (index >= image.sectionCount) return;
  const place = image.section(index).place;
  // Distances from the field, which ends four bytes before what they are counted from.
  const isDistance = image.machine == MACHINE_X86_64 && (type == 2 || type == 4);
  const bias = isDistance ? 4 : 0;
  const target = image.position(place + addend + bias);
  list.add(at, Kind.FromBase64, target, image.position(place), Flag.Detached, bias);
}

/** .symtab and .dynsym: names, addresses, ends of functions. */
export function findSymbols(image: ElfImage, section: Section, list: ReferenceList): void {
  let names: u32 = NOWHERE;
  let namesPlace: u64 = 0;
  if (section.link > 0 && section.link < image.sectionCount) {
    namesPlace = image.section(section.link).place;
    names = image.position(namesPlace);
  }
  const count = section.size / SYMBOL_BYTES;
  for (let row: u64 = 1; row < count; row++) {
    const at = section.offset + row * SYMBOL_BYTES;
    const field = image.bytes + <usize>at;
    const name = load<u32>(field);
    if (name != 0) {
      const target = image.position(namesPlace + name);
      list.add(at, Kind.FromBase32, target, names, Flag.Detached);
    }
    const type = (<u32>load<u8>(field + 4)) & 15;
    const index = <u32>load<u16>(field + 6);
    const value = load<u64>(field + 8);
    const size = load<u64>(field + 16);
    if (index == 0 || index >= FIRST_SPECIAL_SECTION || type == SYMBOL_THREAD_LOCAL) continue;
    let place = value;
    let start: u32 = NOWHERE;
    if (image.type == FILE_RELOCATABLE) {
      if (index >= image.sectionCount) continue;
      const base = image.section(index).place;
      place += base;
      start = image.position(place);
      list.add(at + 8, Kind.FromBase64, start, image.position(base), Flag.Detached);
    } else {
      start = image.loadedPosition(value);
      list.add(at + 8, Kind.Absolute64, start);
    }
    if (size != 0 && type == SYMBOL_FUNCTION) {
      const behind = image.position(place + size);
      list.add(at + 16, Kind.FromBase64, behind, start, Flag.End | Flag.Detached);
    }
  }
}

/** Every aligned word of a section that is an address. */
export function findAddresses(image: ElfImage, section: Section, list: ReferenceList): void {
  const lowest = max<u64>(image.lowest, 0x1000);
  const end = section.offset + section.size;
  for (let at = (section.offset + 7) & ~(<u64>7); at + 8 <= end; at += 8) {
    const value = load<u64>(image.bytes + <usize>at);
    if (value >= lowest) list.add(at, Kind.Absolute64, image.loadedPosition(value));
  }
}

/** .relr.dyn: addresses and bitmaps of words that hold addresses themselves. */
export function findPackedRelocations(
  image: ElfImage,
  section: Section,
  list: ReferenceList,
): void {
  const end = section.offset + section.size;
  let patched: u64 = 0;
  for (let at = section.offset; at + 8 <= end; at += 8) {
    const entry = load<u64>(image.bytes + <usize>at);
    if ((entry & 1) == 0) {
      list.add(at, Kind.Absolute64, image.loadedPosition(entry));
      findPatched(image, entry, list);
      patched = entry + 8;
      continue;
    }
    for (let bits = entry >> 1, word = patched; bits != 0; bits >>= 1, word += 8) {
      if (bits & 1) findPatched(image, word, list);
    }
    patched += 63 * 8;
  }
}

function findPatched(image: ElfImage, place: u64, list: ReferenceList): void {
  const index = image.sectionOfPlace(place);
  if (index < 0) return;
  const section = image.section(<u32>index);
  if (!section.hasBytes) return;
  const field = section.offset + (place - section.place);
  if (field + 8 > image.length) return;
  const value = load<u64>(image.bytes + <usize>field);
  list.add(field, Kind.Absolute64, image.loadedPosition(value));
}

/** Offsets of four bytes into another section, as in Go's .typelink. */
export function findOffsets(
  image: ElfImage,
  section: Section,
  into: Section,
  list: ReferenceList,
): void {
  const base = image.position(into.place);
  const end = section.offset + section.size;
  for (let at = section.offset; at + 4 <= end; at += 4) {
    const offset = <u64>load<u32>(image.bytes + <usize>at);
    list.add(at, Kind.FromBase32, image.position(into.place + offset), base);
  }
}
