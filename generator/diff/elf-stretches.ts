/** A stretch of a file that is an ELF file: all of it, or a member of a static library. */
export interface ElfStretch {
  /** The member's name in its library, empty for a whole file. */
  readonly name: string;
  readonly at: number;
  readonly length: number;
}

const ELF_MAGIC = '\x7fELF';
const AR_MAGIC = '!<arch>\n';
const AR_HEADER = 60;

export function findElfStretches(content: Buffer): ElfStretch[] {
  if (content.toString('latin1', 0, 4) === ELF_MAGIC) {
    return [{ name: '', at: 0, length: content.length }];
  }
  if (content.toString('latin1', 0, AR_MAGIC.length) !== AR_MAGIC) return [];
  const found: ElfStretch[] = [];
  let at = AR_MAGIC.length;
  while (at + AR_HEADER <= content.length) {
    const size = Number(content.toString('latin1', at + 48, at + 58));
    const start = at + AR_HEADER;
    if (!Number.isSafeInteger(size) || size < 0 || start + size > content.length) break;
    if (content.toString('latin1', start, start + 4) === ELF_MAGIC) {
      found.push({ name: content.toString('latin1', at, at + 16), at: start, length: size });
    }
    at = start + size + (size % 2);
  }
  return found;
}
