import { AR_HEADER_LENGTH, AR_MAGIC, parseArHeader } from '../../shared/deb/ar.js';
import { hasElfMagic } from '../../shared/elf/section-table.js';

/** A stretch of a file that is an ELF file: all of it, or a member of a static library. */
export interface ElfStretch {
  /** The member's name in its library, empty for a whole file. */
  readonly name: string;
  readonly at: number;
  readonly length: number;
}

export function findElfStretches(content: Buffer): ElfStretch[] {
  if (hasElfMagic(content)) return [{ name: '', at: 0, length: content.length }];
  if (!content.subarray(0, AR_MAGIC.length).equals(AR_MAGIC)) return [];
  const found: ElfStretch[] = [];
  let at = AR_MAGIC.length;
  while (at + AR_HEADER_LENGTH <= content.length) {
    const start = at + AR_HEADER_LENGTH;
    const header = parseArHeader(content.subarray(at, start));
    if (header === null || start + header.size > content.length) break;
    const { name, size: length } = header;
    if (hasElfMagic(content.subarray(start, start + length))) {
      found.push({ name, at: start, length });
    }
    at = start + length + (length % 2);
  }
  return found;
}
