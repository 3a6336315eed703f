/** One row of an ELF section table. 64-bit fields may hold anything: they come from old files. */
export interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly address: bigint;
  readonly offset: bigint;
  readonly size: bigint;
  readonly link: number;
  readonly info: number;
  readonly entrySize: bigint;
}

export interface SectionTable {
  /** 1 object file, 2 fixed addresses, 3 shared or position-independent. */
  readonly fileType: number;
  readonly machine: number;
  readonly tableOffset: bigint;
  readonly sections: readonly ElfSection[];
}

export const SECTION_NONE = 0;
export const SECTION_NO_BITS = 8;

const MACHINE_X86_64 = 62;
const MACHINE_AARCH64 = 183;
const ELF_HEADER_BYTES = 64;
const ROW_BYTES = 64;
/** Names that matter are short; a hostile table may name one long string 65,535 times. */
const LONGEST_NAME = 256;

/** Whether a file begins as every ELF file does. */
export function hasElfMagic(file: Buffer): boolean {
  return file.length >= 4 && file.readUInt32BE(0) === 0x7f454c46;
}

/** The section table of a little-endian 64-bit ELF file for x86-64 or AArch64, else null. */
export function readSectionTable(bytes: Uint8Array): SectionTable | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < ELF_HEADER_BYTES || !hasElfMagic(file)) return null;
  if (file.readUInt8(4) !== 2 || file.readUInt8(5) !== 1) return null;
  const machine = file.readUInt16LE(18);
  if (machine !== MACHINE_X86_64 && machine !== MACHINE_AARCH64) return null;
  const tableOffset = file.readBigUInt64LE(40);
  const count = file.readUInt16LE(60);
  const namesIndex = file.readUInt16LE(62);
  const end = tableOffset + BigInt(count * ROW_BYTES);
  if (tableOffset === 0n || end > BigInt(file.length) || namesIndex >= count) return null;

  const at = Number(tableOffset);
  const namesAt = file.readBigUInt64LE(at + namesIndex * ROW_BYTES + 24);
  const sections: ElfSection[] = [];
  for (let index = 0; index < count; index++) {
    const row = file.subarray(at + index * ROW_BYTES, at + (index + 1) * ROW_BYTES);
    const section = readRow(row, file, namesAt);
    if (section === null) return null;
    sections.push(section);
  }
  return { fileType: file.readUInt16LE(16), machine, tableOffset, sections };
}

function readRow(row: Buffer, file: Buffer, namesAt: bigint): ElfSection | null {
  const nameAt = namesAt + BigInt(row.readUInt32LE(0));
  if (nameAt >= BigInt(file.length)) return null;
  const section = {
    name: readName(file, Number(nameAt)),
    type: row.readUInt32LE(4),
    flags: row.readBigUInt64LE(8),
    address: row.readBigUInt64LE(16),
    offset: row.readBigUInt64LE(24),
    size: row.readBigUInt64LE(32),
    link: row.readUInt32LE(40),
    info: row.readUInt32LE(44),
    entrySize: row.readBigUInt64LE(56),
  };
  return fitsFile(section, file.length) ? section : null;
}

function readName(file: Buffer, at: number): string {
  const part = file.subarray(at, at + LONGEST_NAME);
  const end = part.indexOf(0);
  return part.toString('latin1', 0, end < 0 ? part.length : end);
}

/** What has bytes in the file has all of them there; everything else relies on it. */
export function fitsFile(section: ElfSection, fileLength: number): boolean {
  if (section.type === SECTION_NONE || section.type === SECTION_NO_BITS) return true;
  return section.offset + section.size <= BigInt(fileLength);
}
