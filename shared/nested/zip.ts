import { crc32 } from 'node:zlib';

import { DebshoalError } from '../errors.js';

/*
 * Zip files (APPNOTE.TXT 6.3.9: 4.3.7 local header, 4.3.9 data descriptor, 4.3.12 central
 * directory, 4.3.16 end of it). A *regular* zip is what every common writer makes: entries follow
 * each other from byte 0 in the order of the central directory, nothing lies between. Everything
 * that its headers say twice or that follows from the contents is zero in its *neutral* form: CRCs,
 * packed sizes, offsets. Otherwise each changed entry would cost 16 bytes that nobody can predict.
 */

export const STORED = 0;
export const DEFLATED = 8;
const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_OF_CENTRAL = 0x06054b50;
const DESCRIPTOR = 0x08074b50;
const LOCAL_LENGTH = 30;
const CENTRAL_LENGTH = 46;
const END_LENGTH = 22;
const MAX_COMMENT = 0xffff;
const ENCRYPTED = 1;
const HAS_DESCRIPTOR = 8;

export interface ZipEntry {
  readonly localAt: number;
  readonly dataAt: number;
  /** Bytes of the data as it lies in the zip. */
  readonly packedLength: number;
  readonly length: number;
  readonly method: number;
  /** General purpose bit flags; bits 1 and 2 hint at the level. */
  readonly flags: number;
  readonly centralAt: number;
  /** Bytes of the data descriptor behind the data: 0, 12 or 16. */
  readonly descriptorLength: number;
}

export interface Zip {
  /** In the order of the central directory; not overlapping. */
  readonly entries: readonly ZipEntry[];
  readonly regular: boolean;
  readonly endAt: number;
}

interface Central {
  readonly endAt: number;
  readonly start: number;
  readonly count: number;
}

/** Finds the entries of a zip; null for anything else, damaged, too new or inconsistent. */
export function readZip(bytes: Buffer): Zip | null {
  if (bytes.length < END_LENGTH || bytes.readUInt32LE(0) !== LOCAL_HEADER) return null;
  const central = findCentral(bytes);
  if (central === null || bytes.readUInt32LE(central.endAt + 16) !== central.start) return null;
  const entries: ZipEntry[] = [];
  let at = central.start;
  for (let i = 0; i < central.count; i++) {
    const entry = readEntry(bytes, at, central);
    if (entry === null) return null;
    entries.push(entry);
    at += centralLength(bytes, at);
  }
  if (at !== central.endAt || overlap(entries)) return null;
  return { entries, regular: isRegular(entries, central.start), endAt: central.endAt };
}

/** The end record must end with the file, so that hidden second ones do not count. */
function findCentral(bytes: Buffer): Central | null {
  const lowest = Math.max(0, bytes.length - END_LENGTH - MAX_COMMENT);
  for (let at = bytes.length - END_LENGTH; at >= lowest; at--) {
    if (bytes.readUInt32LE(at) !== END_OF_CENTRAL) continue;
    if (at + END_LENGTH + bytes.readUInt16LE(at + 20) !== bytes.length) continue;
    const count = bytes.readUInt16LE(at + 10);
    const start = at - bytes.readUInt32LE(at + 12);
    // Several disks, or more than the fields hold (zip64).
    if (bytes.readUInt32LE(at + 4) !== 0 || bytes.readUInt16LE(at + 8) !== count) return null;
    return start < 0 || count === 0xffff ? null : { endAt: at, start, count };
  }
  return null;
}

function centralLength(bytes: Buffer, at: number): number {
  const variable = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field));
  return variable.reduce((sum, length) => sum + length, CENTRAL_LENGTH);
}

function readEntry(bytes: Buffer, centralAt: number, central: Central): ZipEntry | null {
  if (centralAt + CENTRAL_LENGTH > central.endAt) return null;
  if (bytes.readUInt32LE(centralAt) !== CENTRAL_HEADER) return null;
  const flags = bytes.readUInt16LE(centralAt + 8);
  const localAt = bytes.readUInt32LE(centralAt + 42);
  const dataAt = readDataAt(bytes, localAt, central.start);
  if (dataAt === null || flags & ENCRYPTED) return null;
  const packedLength = bytes.readUInt32LE(centralAt + 20);
  const length = bytes.readUInt32LE(centralAt + 24);
  const method = bytes.readUInt16LE(centralAt + 10);
  if (method !== bytes.readUInt16LE(localAt + 8) || flags !== bytes.readUInt16LE(localAt + 6)) {
    return null;
  }
  if (dataAt + packedLength > central.start) return null;
  if (method === STORED && length !== packedLength) return null;
  const descriptorLength = flags & HAS_DESCRIPTOR ? descriptorAt(bytes, dataAt + packedLength) : 0;
  return { localAt, dataAt, packedLength, length, method, flags, centralAt, descriptorLength };
}

function readDataAt(bytes: Buffer, localAt: number, end: number): number | null {
  if (localAt + LOCAL_LENGTH > end || bytes.readUInt32LE(localAt) !== LOCAL_HEADER) return null;
  const names = bytes.readUInt16LE(localAt + 26) + bytes.readUInt16LE(localAt + 28);
  const dataAt = localAt + LOCAL_LENGTH + names;
  return dataAt <= end ? dataAt : null;
}

/** The signature of a descriptor is optional. */
function descriptorAt(bytes: Buffer, at: number): number {
  return at + 4 <= bytes.length && bytes.readUInt32LE(at) === DESCRIPTOR ? 16 : 12;
}

function overlap(entries: readonly ZipEntry[]): boolean {
  const sorted = [...entries].sort((a, b) => a.localAt - b.localAt);
  return sorted.some((entry, i) => {
    const before = sorted[i - 1];
    return before !== undefined && before.dataAt + before.packedLength > entry.localAt;
  });
}

function isRegular(entries: readonly ZipEntry[], centralStart: number): boolean {
  let at = 0;
  for (const entry of entries) {
    if (entry.localAt !== at) return false;
    at = entry.dataAt + entry.packedLength + entry.descriptorLength;
  }
  return at === centralStart;
}

/**
 * A copy of a regular zip with zeros in the fields that `restoreZip` fills. Entries that stay
 * packed (`isPacked`, by number) keep their CRC and sizes.
 */
export function neutralizeZip(
  bytes: Buffer,
  zip: Zip,
  isPacked: (entry: number) => boolean,
): Buffer {
  const neutral = Buffer.from(bytes);
  for (const [i, entry] of zip.entries.entries()) {
    neutral.fill(0, entry.centralAt + 42, entry.centralAt + 46);
    if (isPacked(i)) continue;
    neutral.fill(0, entry.centralAt + 16, entry.centralAt + 24);
    if (entry.descriptorLength === 0) {
      neutral.fill(0, entry.localAt + 14, entry.localAt + 26);
    } else {
      const end = entry.dataAt + entry.packedLength + entry.descriptorLength;
      neutral.fill(0, end - 12, end);
    }
  }
  neutral.fill(0, zip.endAt + 16, zip.endAt + 20);
  return neutral;
}

/** An entry of a neutral zip whose entries are expanded. */
interface NeutralEntry {
  readonly localAt: number;
  readonly centralAt: number;
  readonly data: Buffer;
  readonly isDeflated: boolean;
  readonly descriptorLength: number;
}

export interface NeutralZip {
  readonly content: Buffer;
  readonly entries: readonly NeutralEntry[];
  readonly centralAt: number;
  readonly endAt: number;
}

/**
 * Finds the entries of the expanded, neutral form; those for which `isPacked` lie there packed.
 * Fails with `delta-damaged` when they do not fill it exactly.
 */
export function readNeutralZip(content: Buffer, isPacked: (entry: number) => boolean): NeutralZip {
  const central = content.length < END_LENGTH ? null : findCentral(content);
  if (central === null) throw damaged('no end of the central directory');
  const entries: NeutralEntry[] = [];
  let localAt = 0;
  let centralAt = central.start;
  for (let i = 0; i < central.count; i++) {
    if (centralAt + CENTRAL_LENGTH > central.endAt) throw damaged('directory too short');
    const dataAt = readDataAt(content, localAt, central.start);
    if (dataAt === null) throw damaged(`entry ${i} has no local header`);
    const isDeflated = content.readUInt16LE(centralAt + 10) === DEFLATED && !isPacked(i);
    const length = content.readUInt32LE(centralAt + (isPacked(i) ? 20 : 24));
    const end = dataAt + length;
    const hasDescriptor = (content.readUInt16LE(centralAt + 8) & HAS_DESCRIPTOR) !== 0;
    const descriptorLength = hasDescriptor ? descriptorAt(content, end) : 0;
    if (end + descriptorLength > central.start) throw damaged(`entry ${i} is too long`);
    const data = content.subarray(dataAt, end);
    entries.push({ localAt, centralAt, data, isDeflated, descriptorLength });
    localAt = end + descriptorLength;
    centralAt += centralLength(content, centralAt);
  }
  if (localAt !== central.start || centralAt !== central.endAt) throw damaged('gaps');
  return { content, entries, centralAt: central.start, endAt: central.endAt };
}

/**
 * The zip of its expanded, neutral form. `packed` has the bytes of each entry as they shall lie in
 * the zip; those for which `isPacked` keep their CRC and sizes.
 */
export function restoreZip(
  zip: NeutralZip,
  packed: readonly Buffer[],
  isPacked: (entry: number) => boolean,
): Buffer {
  const central = Buffer.from(zip.content.subarray(zip.centralAt));
  const pieces: Buffer[] = [];
  let at = 0;
  for (const [i, entry] of zip.entries.entries()) {
    const data = packed[i];
    if (data === undefined) throw new Error('an entry was not packed');
    const dataAt = entry.data.byteOffset - zip.content.byteOffset;
    const header = Buffer.from(zip.content.subarray(entry.localAt, dataAt));
    const dataEnd = dataAt + entry.data.length;
    const descriptor = Buffer.from(zip.content.subarray(dataEnd, dataEnd + entry.descriptorLength));
    const centralAt = entry.centralAt - zip.centralAt;
    central.writeUInt32LE(at, centralAt + 42);
    if (!isPacked(i)) {
      const crc = crc32(entry.data);
      central.writeUInt32LE(crc, centralAt + 16);
      central.writeUInt32LE(data.length, centralAt + 20);
      const [fields, crcAt] =
        entry.descriptorLength === 0 ? [header, 14] : [descriptor, entry.descriptorLength - 12];
      fields.writeUInt32LE(crc, crcAt);
      fields.writeUInt32LE(data.length, crcAt + 4);
      fields.writeUInt32LE(entry.data.length, crcAt + 8);
    }
    pieces.push(header, data, descriptor);
    at += header.length + data.length + descriptor.length;
  }
  central.writeUInt32LE(at, zip.endAt - zip.centralAt + 16);
  return Buffer.concat([...pieces, central]);
}

function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', `not the neutral form of a zip: ${what}`);
}
