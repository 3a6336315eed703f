import type { FileHandle } from 'node:fs/promises';

import { DebshoalError } from '../errors.js';
import { readExactly } from '../io/files.js';

/*
 * Where things are in a tar. Deltas carry raw tar bytes, so this reads offsets and never writes;
 * tar-stream gives no offsets and no raw headers (ARCHITECTURE.md). Understands what dpkg accepts:
 * v7, ustar and GNU long names ('L', 'K'); dpkg refuses pax headers ('x', 'g').
 */

export interface TarEntry {
  /** Path as stored, e.g. `./usr/bin/git`, one character a byte (latin1): it may not be UTF-8. */
  readonly path: string;
  readonly type: 'file' | 'hardlink' | 'symlink' | 'directory' | 'other';
  /** Offset and length of the content; length 0 for all but files. */
  readonly offset: number;
  readonly size: number;
  /** Target of a link, one character a byte; empty for all others. */
  readonly link: string;
}

const BLOCK = 512;
/** Linux has no longer paths; a larger one is an attack on memory. */
const MAX_LONG_NAME = 4096;

const TYPES: Readonly<Record<string, TarEntry['type']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
};

/**
 * Yields the entries of the tar at `start` of `file`, `length` bytes long, with offsets in `file`;
 * `deb-malformed` when it is none.
 */
export async function* walkTar(
  file: FileHandle,
  start: number,
  length: number,
): AsyncGenerator<TarEntry> {
  const end = start + length;
  let offset = start;
  let longPath: string | undefined;
  let longLink: string | undefined;
  while (offset + BLOCK <= end) {
    const header = await readExactly(file, offset, BLOCK);
    // Two zero blocks end the archive; one is enough to stop at, as dpkg and GNU tar do.
    if (header.every((byte) => byte === 0)) return;
    checkSum(header, offset);
    const typeFlag = String.fromCharCode(header[156] ?? 0);
    const bodySize = hasBody(typeFlag) ? numberField(header, 124, 12, offset) : 0;
    const body = offset + BLOCK;
    if (body + bodySize > end) throw malformed(`entry at ${offset} is longer than the archive`);

    if (typeFlag === 'x' || typeFlag === 'g') throw malformed('a pax header');
    if (typeFlag === 'L' || typeFlag === 'K') {
      if (bodySize > MAX_LONG_NAME) throw malformed(`a name of ${bodySize} bytes`);
      const name = cString(await readExactly(file, body, bodySize));
      if (typeFlag === 'L') longPath = name;
      else longLink = name;
    } else {
      const path = longPath ?? shortPath(header);
      const isLink = typeFlag === '1' || typeFlag === '2';
      const link = isLink ? (longLink ?? cString(header.subarray(157, 257))) : '';
      longPath = longLink = undefined;
      // dpkg's lists have one path a line.
      if (path.includes('\n')) throw malformed('a line end in a name');
      yield { path, type: TYPES[typeFlag] ?? 'other', offset: body, size: bodySize, link };
    }
    offset = body + Math.ceil(bodySize / BLOCK) * BLOCK;
  }
}

/** Links, directories and devices have no content, whatever their size field says. */
function hasBody(typeFlag: string): boolean {
  return !'123456'.includes(typeFlag);
}

function checkSum(header: Buffer, offset: number): void {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : (header[i] ?? 0);
  if (sum !== numberField(header, 148, 8, offset)) throw malformed(`bad checksum at ${offset}`);
}

function numberField(header: Buffer, at: number, length: number, offset: number): number {
  // GNU base-256 for large sizes: the first bit set, then a big-endian number.
  if ((header[at] ?? 0) & 0x80) {
    let value = (header[at] ?? 0) & 0x7f;
    for (let i = at + 1; i < at + length; i++) value = value * 256 + (header[i] ?? 0);
    if (!Number.isSafeInteger(value)) throw malformed(`number too large at ${offset}`);
    return value;
  }
  const text = cString(header.subarray(at, at + length)).trim();
  if (!/^[0-7]*$/.test(text)) throw malformed(`bad number at ${offset}`);
  return text === '' ? 0 : Number.parseInt(text, 8);
}

function shortPath(header: Buffer): string {
  const name = cString(header.subarray(0, 100));
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? cString(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
}

function malformed(what: string): DebshoalError {
  return new DebshoalError('deb-malformed', `not a tar that dpkg would read: ${what}`);
}

/**
 * The path of an entry as dpkg's `info/*.list` writes it: `./usr/bin/` becomes `/usr/bin`. The root
 * folder itself becomes the empty string.
 */
export function listedPath(tarPath: string): string {
  const trimmed = tarPath.replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
  return trimmed === '' || trimmed === '.' ? '' : `/${trimmed}`;
}
