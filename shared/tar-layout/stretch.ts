import {
  BLOCK,
  dpkgTemplate,
  isLongLink,
  isLongName,
  renderHeader,
  type HeaderFields,
  type Template,
} from './header.js';

/*
 * A stretch is what lies between two contents: the padding of the one before, long names, and a
 * header. The end of a tar is two blocks of zeros, and more to full records.
 */

/** A stretch is never longer; what follows such a header is no layout but content. */
export const MAX_STRETCH = 64 * 1024;

/** GNU tar's blocking factor is 20. */
const RECORD = 20 * BLOCK;

/** GNU tar's mark of a long name ('L') or link ('K'), told by its content. */
const LONG_NAME = '././@LongLink';

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** What usually comes before the content of an entry, after content of `previousSize` bytes. */
export function renderStretch(
  previousSize: number,
  template: Template,
  fields: HeaderFields,
): Buffer {
  const parts: Buffer[] = [Buffer.alloc(paddingOf(previousSize))];
  if (isLongLink(fields.link)) parts.push(longText('K', fields.link));
  if (isLongName(template, fields.name)) parts.push(longText('L', fields.name));
  parts.push(renderHeader(template, fields));
  return Buffer.concat(parts);
}

function longText(type: string, text: string): Buffer {
  const template = dpkgTemplate({ type, mode: '0000644', nameStyle: 0 });
  const size = text.length + 1;
  const header = renderHeader(template, { name: LONG_NAME, link: '', size, mtime: 0 });
  const body = Buffer.alloc(size + paddingOf(size));
  body.write(text, 'latin1');
  return Buffer.concat([header, body]);
}

/** Zeros that usually end a tar of `length` bytes, the padding of its last content included. */
export function usualEnd(length: number, lastSize: number): number {
  const end = length + paddingOf(lastSize) + 2 * BLOCK;
  return Math.ceil(end / RECORD) * RECORD - length;
}

/** The target of a long link in a stretch, or null. */
export function readLongLink(stretch: Buffer, previousSize: number): string | null {
  let link: string | null = null;
  for (let at = paddingOf(previousSize); at + BLOCK < stretch.length;) {
    const digits = stretch.toString('latin1', at + 124, at + 135);
    const size = Number.parseInt(digits, 8);
    if (!(size > 0)) return null;
    const body = stretch.subarray(at + BLOCK, at + BLOCK + size);
    const end = body.indexOf(0);
    if (stretch[at + 156] === 0x4b) {
      link = body.toString('latin1', 0, end === -1 ? body.length : end);
    }
    at += BLOCK + size + paddingOf(size);
  }
  return link;
}
