import { DebshoalError } from '../errors.js';
import { Bzip2Reader } from './bzip2.js';

/*
 * BSDIFF40, the format of bsdiff 4.3: a header of 32 bytes, then three bzip2 streams.
 *
 *   "BSDIFF40" │ length of control │ length of diff │ length of the result
 *   control: triples (add, copy, seek); diff: bytes to add to old ones; extra: new bytes
 *
 * Applied here and not by the C program: a patch of 1 MB can hold a terabyte of triples that add
 * nothing, which it would follow for hours in a thread that nobody can stop; and it loses memory and
 * open files with every damaged patch.
 */

const MAGIC = 'BSDIFF40';
const HEADER_LENGTH = 32;
const TRIPLE_LENGTH = 24;

/** Applies a BSDIFF40 patch whose result must have `length` bytes; `delta-damaged` otherwise. */
export function applyBsdiffPatch(old: Uint8Array, patch: Buffer, length: number): Buffer {
  if (patch.length < HEADER_LENGTH || patch.toString('latin1', 0, 8) !== MAGIC) {
    throw damaged('no bsdiff patch');
  }
  const controlEnd = HEADER_LENGTH + readLength(patch, 8, patch.length);
  const diffEnd = controlEnd + readLength(patch, 16, patch.length);
  if (diffEnd > patch.length) throw damaged('a bsdiff patch is cut off');
  if (readNumber(patch, 24) !== length) throw damaged('a bsdiff patch gives another length');
  const control = new Bzip2Reader(patch.subarray(HEADER_LENGTH, controlEnd));
  const diff = new Bzip2Reader(patch.subarray(controlEnd, diffEnd));
  const extra = new Bzip2Reader(patch.subarray(diffEnd));

  const content = Buffer.alloc(length);
  const triple = Buffer.alloc(TRIPLE_LENGTH);
  let at = 0;
  let oldAt = 0;
  // bsdiff writes at most one triple a byte. Endless empty triples would keep us busy for ever.
  for (let triples = 0; at < length; triples++) {
    if (triples > length) throw damaged('a bsdiff patch makes no progress');
    control.read(triple);
    const added = content.subarray(at, at + readLength(triple, 0, length - at));
    diff.read(added);
    addOld(added, old, oldAt);
    at += added.length;
    oldAt += added.length;
    const copied = content.subarray(at, at + readLength(triple, 8, length - at));
    extra.read(copied);
    at += copied.length;
    oldAt += readNumber(triple, 16);
  }
  return content;
}

/** Where the old file has no byte, nothing is added. */
function addOld(added: Buffer, old: Uint8Array, oldAt: number): void {
  const end = Math.min(added.length, old.length - oldAt);
  for (let i = Math.max(0, -oldAt); i < end; i++) {
    added[i] = (added[i] ?? 0) + (old[oldAt + i] ?? 0);
  }
}

function readLength(bytes: Buffer, at: number, max: number): number {
  const value = readNumber(bytes, at);
  if (value < 0 || value > max) throw damaged(`a bsdiff patch has a length of ${value}`);
  return value;
}

/** 63 bits of magnitude, little-endian, then a sign. */
function readNumber(bytes: Buffer, at: number): number {
  const magnitude = bytes.readBigUInt64LE(at) & 0x7fff_ffff_ffff_ffffn;
  if (magnitude > BigInt(2 ** 48)) throw damaged('a bsdiff patch has a number out of range');
  return bytes.readUInt8(at + 7) & 0x80 ? -Number(magnitude) : Number(magnitude);
}

function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', what);
}
