import { DebshoalError } from '../errors.js';
import { ByteReader, ByteWriter, unzigzag, zigzag } from '../io/byte-codec.js';
import { type ElfSection, fitsFile, readSectionTable, type SectionTable } from './section-table.js';

/**
 * The layout: what a decoder must know of the new file before it has any of it, told by the
 * differences to the old section table. FORMAT.md has the bytes: varints, and signed numbers of
 * 64 bits as zigzag varints modulo 2^64.
 *
 *   file type, number of sections, section table offset less the old one
 *   for each section: 0 and all its fields, or 1 + zigzag(old section less the expected one),
 *   then changes of address, offset and size; sections mostly move together
 */

/** The new section table as both sides see it. `oldIndex`: the same section of the old file, or -1. */
export interface NewTable {
  readonly table: SectionTable;
  readonly oldIndex: Int32Array;
}

/** Both sides of a pair, as a decoder knows them before it has any byte of the new file. */
export interface PairTables extends NewTable {
  readonly old: SectionTable;
}

/** Throws `delta-damaged` when the old file is no known ELF, and like `decodeLayout`. */
export function readPairTables(
  oldBytes: Uint8Array,
  layout: Uint8Array,
  newLength: number,
): PairTables {
  const old = readSectionTable(oldBytes);
  if (old === null) throw new DebshoalError('delta-damaged', 'the old file is no known ELF');
  return { old, ...decodeLayout(old, layout, newLength) };
}

/** ELF counts sections with 16 bits; more are written in a way that we do not read. */
const MOST_SECTIONS = 0xffff;
const LONGEST_NAME = 256;

export function encodeLayout(old: SectionTable, table: SectionTable): Buffer {
  const oldIndex = pairSections(old.sections, table.sections);
  const writer = new ByteWriter();
  writer.varint(table.fileType);
  writer.varint(table.sections.length);
  writeSigned(writer, table.tableOffset - old.tableOffset);
  let expected = 0;
  let addressMove = 0n;
  let offsetMove = 0n;
  table.sections.forEach((section, index) => {
    const same = oldIndex[index] ?? -1;
    const before = old.sections[same];
    if (before === undefined) {
      writer.varint(0);
      writeSection(writer, section);
      return;
    }
    writer.varint(1 + zigzag(same - expected));
    expected = same + 1;
    const nextAddressMove = before.address === 0n ? addressMove : section.address - before.address;
    const nextOffsetMove = section.offset - before.offset;
    const change = nextAddressMove - addressMove;
    writeSigned(writer, change);
    writeSigned(writer, nextOffsetMove - offsetMove - change);
    writeSigned(writer, section.size - before.size);
    addressMove = nextAddressMove;
    offsetMove = nextOffsetMove;
  });
  return writer.finish();
}

/** Throws `delta-damaged` unless the layout describes a file of `newLength` bytes. */
export function decodeLayout(old: SectionTable, layout: Uint8Array, newLength: number): NewTable {
  const reader = new ByteReader(layout);
  const fileType = reader.varint(0xffff);
  const count = reader.varint(MOST_SECTIONS);
  const tableOffset = unsigned(old.tableOffset + readSigned(reader));
  const sections: ElfSection[] = [];
  const oldIndex = new Int32Array(count).fill(-1);
  let expected = 0;
  let addressMove = 0n;
  let offsetMove = 0n;
  for (let index = 0; index < count; index++) {
    const code = reader.varint(4 * MOST_SECTIONS);
    let section: ElfSection;
    if (code === 0) {
      section = readSection(reader);
    } else {
      const same = expected + unzigzag(code - 1);
      const before = old.sections[same];
      if (before === undefined) throw new DebshoalError('delta-damaged', 'no such old section');
      expected = same + 1;
      oldIndex[index] = same;
      const change = readSigned(reader);
      addressMove += change;
      offsetMove += readSigned(reader) + change;
      section = {
        ...before,
        address: before.address === 0n ? 0n : unsigned(before.address + addressMove),
        offset: unsigned(before.offset + offsetMove),
        size: unsigned(before.size + readSigned(reader)),
      };
    }
    if (!fitsFile(section, newLength)) {
      throw new DebshoalError('delta-damaged', `section ${section.name} leaves the file`);
    }
    sections.push(section);
  }
  reader.expectEnd();
  return { table: { fileType, machine: old.machine, tableOffset, sections }, oldIndex };
}

/** Sections of one name and type belong together, in order. */
function pairSections(old: readonly ElfSection[], sections: readonly ElfSection[]): Int32Array {
  const keyOf = (section: ElfSection) =>
    `${section.type} ${section.address === 0n ? 0 : 1} ${section.name}`;
  const waiting = new Map<string, number[]>();
  old.forEach((section, index) => {
    const key = keyOf(section);
    const list = waiting.get(key);
    if (list === undefined) waiting.set(key, [index]);
    else list.push(index);
  });
  for (const list of waiting.values()) list.reverse();
  return Int32Array.from(sections, (section) => waiting.get(keyOf(section))?.pop() ?? -1);
}

function writeSection(writer: ByteWriter, section: ElfSection): void {
  writer.varint(section.type);
  for (const value of [section.flags, section.address, section.offset, section.size]) {
    writeSigned(writer, value);
  }
  writer.varint(section.link);
  writer.varint(section.info);
  writeSigned(writer, section.entrySize);
  writer.block(Buffer.from(section.name, 'latin1'));
}

function readSection(reader: ByteReader): ElfSection {
  const number = () => unsigned(readSigned(reader));
  return {
    type: reader.varint(0xffff_ffff),
    flags: number(),
    address: number(),
    offset: number(),
    size: number(),
    link: reader.varint(0xffff_ffff),
    info: reader.varint(0xffff_ffff),
    entrySize: number(),
    name: reader.block(LONGEST_NAME).toString('latin1'),
  };
}

function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

function writeSigned(writer: ByteWriter, value: bigint): void {
  const signed = BigInt.asIntN(64, value);
  let rest = unsigned((signed << 1n) ^ (signed >> 63n));
  while (rest >= 0x80n) {
    writer.byte(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  writer.byte(Number(rest));
}

function readSigned(reader: ByteReader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.byte();
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) {
      if ((byte === 0 && shift > 0n) || value >> 64n !== 0n) break;
      return (value >> 1n) ^ -(value & 1n);
    }
  }
  throw new DebshoalError('delta-damaged', 'number out of range');
}
