/** One section of a made ELF file. */
export interface MadeSection {
  readonly name: string;
  readonly content: Uint8Array;
  readonly type?: number;
  readonly flags?: number;
  readonly address?: number;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
}

export const X86_64 = 62;
export const AARCH64 = 183;

const NAMES_TYPE = 3;

/** A 64-bit ELF file of these sections (numbered from 1), without program headers. */
export function makeElf(
  machine: number,
  fileType: number,
  sections: readonly MadeSection[],
): Buffer {
  const names = Buffer.from(['', ...sections.map(({ name }) => name), '.names', ''].join('\0'));
  const all = [...sections, { name: '.names', content: names, type: NAMES_TYPE }];
  const parts: Buffer[] = [Buffer.alloc(64)];
  let at = 64;
  const offsets = all.map(({ content }) => {
    const padding = -at & 15;
    parts.push(Buffer.alloc(padding), Buffer.from(content));
    const offset = at + padding;
    at = offset + content.length;
    return offset;
  });
  const padding = -at & 7;
  parts.push(Buffer.alloc(padding));
  const tableAt = at + padding;
  let nameAt = 1;
  parts.push(Buffer.alloc(64));
  all.forEach((section: MadeSection, index) => {
    const row = Buffer.alloc(64);
    row.writeUInt32LE(nameAt, 0);
    nameAt += section.name.length + 1;
    row.writeUInt32LE(section.type ?? 1, 4);
    row.writeBigUInt64LE(BigInt(section.flags ?? 0), 8);
    row.writeBigUInt64LE(BigInt(section.address ?? 0), 16);
    row.writeBigUInt64LE(BigInt(offsets[index] ?? 0), 24);
    row.writeBigUInt64LE(BigInt(section.content.length), 32);
    row.writeUInt32LE(section.link ?? 0, 40);
    row.writeUInt32LE(section.info ?? 0, 44);
    row.writeBigUInt64LE(BigInt(section.entrySize ?? 0), 56);
    parts.push(row);
  });
  const file = Buffer.concat(parts);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(fileType, 16);
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(tableAt), 40);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(64, 58);
  file.writeUInt16LE(all.length + 1, 60);
  file.writeUInt16LE(all.length, 62);
  return file;
}
