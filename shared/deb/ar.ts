import type { FileHandle } from 'node:fs/promises';

import { DebshoalError } from '../errors.js';
import { readExactly } from '../io/files.js';

/*
 * The outer container of a .deb, deb(5) and ar(5): the magic, then members, each with a header of
 * 60 bytes in ASCII, padded to an even offset. We never write headers: a rebuilt .deb carries the
 * original 60 bytes, because no ar writer reproduces all of them (ARCHITECTURE.md); deb-forms.ts
 * changes two fields of them.
 */

export const AR_MAGIC = Buffer.from('!<arch>\n');
export const AR_HEADER_LENGTH = 60;
const HEADER_END = '`\n';
/** A .deb has three members; signatures add a few. */
const MAX_MEMBERS = 32;

export interface ArMember {
  readonly name: string;
  /** Offset of the member's data in the file; its header is the 60 bytes before. */
  readonly offset: number;
  readonly size: number;
}

/** Lists the members of the ar archive of `size` bytes; `deb-malformed` when it is none. */
export async function readArMembers(file: FileHandle, size: number): Promise<ArMember[]> {
  if (size < AR_MAGIC.length || !(await readExactly(file, 0, AR_MAGIC.length)).equals(AR_MAGIC)) {
    throw malformed('no ar magic at the start');
  }
  const members: ArMember[] = [];
  let offset = AR_MAGIC.length;
  while (offset < size) {
    if (offset + AR_HEADER_LENGTH > size) throw malformed(`truncated header at ${offset}`);
    const header = parseArHeader(await readExactly(file, offset, AR_HEADER_LENGTH));
    if (header === null) throw malformed(`bad member header at ${offset}`);
    const member = { ...header, offset: offset + AR_HEADER_LENGTH };
    const end = member.offset + member.size;
    if (end > size) {
      throw malformed(`member ${member.name} needs ${end} bytes, the file has ${size}`);
    }
    if (members.length === MAX_MEMBERS) throw malformed(`over ${MAX_MEMBERS} members`);
    members.push(member);
    offset = end + (end % 2);
  }
  return members;
}

/** Parses the 60 bytes of a header; null when they are none. */
export function parseArHeader(header: Buffer): Pick<ArMember, 'name' | 'size'> | null {
  const text = header.toString('latin1');
  const sizeField = text.slice(48, 58).trimEnd();
  if (text.slice(58) !== HEADER_END || !/^[0-9]{1,10}$/.test(sizeField)) return null;
  // deb(5): names may end in a slash (System V) and are padded with spaces.
  const name = text.slice(0, 16).trimEnd().replace(/\/$/, '');
  return { name, size: Number(sizeField) };
}

function malformed(what: string): DebshoalError {
  return new DebshoalError('deb-malformed', `not a Debian package: ${what}`);
}
