/*
 * One header block, split into what differs from entry to entry (name, link, size, time) and a
 * template of everything else, and put together again. POSIX.1-1988 (ustar) and GNU tar's manual,
 * "Basic Tar Format":
 *
 *   name 0+100   mode, uid, gid 100+24   size 124+12   mtime 136+12   checksum 148+8   type 156
 *   link 157+100   magic, version 257+8   owner, group, device 265+80   prefix 345+155
 */

export const BLOCK = 512;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const SIZE_AT = 124;
const TIME_AT = 136;
const NUMBER_BYTES = 12;
const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;
const TYPE_AT = 156;
const LINK_AT = 157;
const MAGIC_AT = 257;
const PREFIX_AT = 345;

/**
 * A header with name, link, size, time and checksum blank, and after it three bytes: the styles of
 * names (`names.ts`), numbers and checksum. One character a byte, so that templates can be compared
 * and be keys.
 */
export type Template = string;
export const TEMPLATE_BYTES = BLOCK + 3;

/** What varies. Names and links are one character a byte. */
export interface HeaderFields {
  readonly name: string;
  readonly link: string;
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
}

export function typeOf(template: Template): string {
  return template.charAt(TYPE_AT);
}

export function nameStyleOf(template: Template): number {
  return template.charCodeAt(BLOCK);
}

/** Octal digits in a field of 12 bytes: as GNU tar, dpkg and Python; tar-stream; node-tar. */
const NUMBER_STYLES: readonly ((digits: string) => string)[] = [
  (digits) => `${digits.padStart(11, '0')}\0`,
  (digits) => `${digits.padStart(11, '0')} `,
  (digits) => (digits.length === 11 ? `${digits}\0` : `${digits.padStart(10, '0')} \0`),
];
/** The checksum in 8 bytes: GNU tar, dpkg and Python; node-tar; others. */
const CHECKSUM_STYLES: readonly ((digits: string) => string)[] = [
  (digits) => `${digits.padStart(6, '0')}\0 `,
  (digits) => `${digits.padStart(6, '0')} \0`,
  (digits) => `${digits.padStart(7, '0')}\0`,
];

/** Larger numbers than 11 octal digits have, and negative ones, are written in base 256. */
const OCTAL_END = 8 ** 11;

function numberField(value: number, style: number): Buffer {
  if (value >= 0 && value < OCTAL_END) {
    const format = NUMBER_STYLES[style] ?? NUMBER_STYLES[0];
    return Buffer.from(format?.(value.toString(8)) ?? '', 'latin1');
  }
  const field = Buffer.alloc(NUMBER_BYTES, value < 0 ? 0xff : 0);
  field.writeBigInt64BE(BigInt(value), NUMBER_BYTES - 8);
  if (value >= 0) field[0] = 0x80;
  return field;
}

/** The number in the field at `at`, or 0 where there is none that we write. */
function readNumber(header: Buffer, at: number): number {
  const first = header[at] ?? 0;
  if (first === 0x80 || first === 0xff) {
    const value = Number(header.readBigInt64BE(at + NUMBER_BYTES - 8));
    return Math.abs(value) < 2 ** 51 ? value : 0;
  }
  const text = header.toString('latin1', at, at + NUMBER_BYTES).replace(/[\0 ]+$/, '');
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : 0;
}

export function readTime(header: Buffer): number {
  return readNumber(header, TIME_AT);
}

/** The link in the header itself, not that of a long link before it. */
export function readLink(header: Buffer): string {
  const field = header.toString('latin1', LINK_AT, LINK_AT + NAME_BYTES);
  const end = field.indexOf('\0');
  return end === -1 ? field : field.slice(0, end);
}

/** The template of a header with these fields and this style of names. */
export function templateOf(header: Buffer, fields: HeaderFields, nameStyle: number): Template {
  const blank = Buffer.from(header);
  blank.fill(0, 0, NAME_BYTES);
  blank.fill(0, SIZE_AT, CHECKSUM_AT + CHECKSUM_BYTES);
  blank.fill(0, LINK_AT, LINK_AT + NAME_BYTES);
  if (splitsNames(header)) blank.fill(0, PREFIX_AT, PREFIX_AT + PREFIX_BYTES);

  const styleThatFits = (styles: readonly unknown[], fits: (style: number) => boolean): number =>
    Math.max(0, [...styles.keys()].findIndex(fits));
  const size = numberAt(header, SIZE_AT);
  const time = numberAt(header, TIME_AT);
  const numberStyle = styleThatFits(
    NUMBER_STYLES,
    (style) =>
      size.equals(numberField(fields.size, style)) && time.equals(numberField(fields.mtime, style)),
  );
  const sum = header.toString('latin1', CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_BYTES);
  const checksumStyle = styleThatFits(CHECKSUM_STYLES, (style) => sum === checksum(header, style));
  const styles = String.fromCharCode(nameStyle, numberStyle, checksumStyle);
  return blank.toString('latin1') + styles;
}

function numberAt(header: Buffer, at: number): Buffer {
  return header.subarray(at, at + NUMBER_BYTES);
}

/** The header of these fields; names and links that are too long are cut, as GNU tar does. */
export function renderHeader(template: Template, fields: HeaderFields): Buffer {
  const header = Buffer.from(template.slice(0, BLOCK), 'latin1');
  const { prefix, name } = splitName(header, fields.name);
  header.write(name, 0, NAME_BYTES, 'latin1');
  header.write(prefix, PREFIX_AT, PREFIX_BYTES, 'latin1');
  header.write(fields.link, LINK_AT, NAME_BYTES, 'latin1');
  numberField(fields.size, template.charCodeAt(BLOCK + 1)).copy(header, SIZE_AT);
  numberField(fields.mtime, template.charCodeAt(BLOCK + 1)).copy(header, TIME_AT);
  header.write(checksum(header, template.charCodeAt(BLOCK + 2)), CHECKSUM_AT, 'latin1');
  return header;
}

function checksum(header: Buffer, style: number): string {
  let sum = 0;
  // The checksum counts as blanks itself.
  for (let at = 0; at < BLOCK; at++) {
    sum += at >= CHECKSUM_AT && at < CHECKSUM_AT + CHECKSUM_BYTES ? 0x20 : (header[at] ?? 0);
  }
  const format = CHECKSUM_STYLES[style] ?? CHECKSUM_STYLES[0];
  return format?.(sum.toString(8)) ?? '';
}

function splitsNames(header: Buffer): boolean {
  return header.toString('latin1', MAGIC_AT, MAGIC_AT + 6) === 'ustar\0';
}

/** ustar splits a long name at a slash, as far back as the prefix may reach; GNU tar 1.34. */
function splitName(header: Buffer, name: string): { prefix: string; name: string } {
  if (name.length <= NAME_BYTES || !splitsNames(header)) return { prefix: '', name };
  const slash = name.lastIndexOf('/', Math.min(PREFIX_BYTES, name.length - 2));
  if (slash <= 0 || name.length - slash - 1 > NAME_BYTES) return { prefix: '', name };
  return { prefix: name.slice(0, slash), name: name.slice(slash + 1) };
}

/** Whether a header has no room for the name, so that a long name ('L') comes before it. */
export function isLongName(template: Template, name: string): boolean {
  const header = Buffer.from(template.slice(0, BLOCK), 'latin1');
  return splitName(header, name).name.length > NAME_BYTES;
}

export function isLongLink(link: string): boolean {
  return link.length > NAME_BYTES;
}

export interface TemplateFields {
  readonly type: string;
  /** Seven octal digits. */
  readonly mode: string;
  readonly nameStyle: number;
}

/** A template as dpkg-deb makes it: GNU tar's format, all files of root. */
export function dpkgTemplate({ type, mode, nameStyle }: TemplateFields): Template {
  const header = Buffer.alloc(BLOCK);
  header.write(`${mode}\0${'0000000\0'.repeat(2)}`, NAME_BYTES);
  header.write(type, TYPE_AT);
  header.write('ustar  \0root', MAGIC_AT);
  header.write('root', 297);
  return header.toString('latin1') + String.fromCharCode(nameStyle, 0, 0);
}
