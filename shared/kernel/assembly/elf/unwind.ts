import { ElfImage, NOWHERE, Section } from './image';
import { Flag, Kind, ReferenceList } from './reference';

/** Pointer encodings of .eh_frame: relative to the field, four bytes signed; absent. */
const RELATIVE_SIGNED_4: u32 = 0x1b;
const ABSENT: u32 = 0xff;

/** What the last common entry (CIE) that was looked at says about its descriptions (FDE). */
let commonAt: u64 = 0;
let functionEncoding: u32 = ABSENT;
let exceptionEncoding: u32 = ABSENT;

/** Where `readNumber` goes on. */
let cursor: u64 = 0;

/** Augmentations have at most a handful of letters; more would be walked for each description. */
const LONGEST_AUGMENTATION: u64 = 8;

/** Pointers count from their own first byte, where operands of code count from what follows them. */
function addPointer(list: ReferenceList, at: u64, target: u32): void {
  list.add(at, Kind.Relative32, target, 0, 0, -4);
}

/** .eh_frame: where functions begin and end, their common entries, their exception tables. */
export function findUnwindFrames(image: ElfImage, section: Section, list: ReferenceList): void {
  const bytes = image.bytes;
  const end = section.offset + section.size;
  const toPlace = section.place - section.offset;
  commonAt = <u64>-1;
  let at = section.offset;
  while (at + 8 <= end) {
    const length = <u64>load<u32>(bytes + <usize>at);
    if (length == 0) {
      at += 4;
      continue;
    }
    const next = at + 4 + length;
    if (length == 0xffff_ffff || next > end || length < 4) return;
    const back = <u64>load<u32>(bytes + <usize>at + 4);
    if (back == 0) {
      readCommon(image, section, at, next, list);
    } else {
      const common = at + 4 - back;
      list.add(at + 4, Kind.Back32, image.position(toPlace + common), 0, Flag.Detached);
      if (back > at + 4 - section.offset) {
        functionEncoding = ABSENT;
      } else if (common != commonAt) {
        const commonLength = <u64>load<u32>(bytes + <usize>common);
        const commonEnd = min<u64>(common + 4 + commonLength, end);
        readCommon(image, section, common, commonEnd, null);
      }
      if (functionEncoding == RELATIVE_SIGNED_4 && at + 16 <= next) {
        readDescription(image, toPlace, at + 8, next, list);
      }
    }
    at = next;
  }
}

function readDescription(
  image: ElfImage,
  toPlace: u64,
  at: u64,
  end: u64,
  list: ReferenceList,
): void {
  const start = toPlace + at + <u64>(<i64>load<i32>(image.bytes + <usize>at));
  const size = <u64>load<u32>(image.bytes + <usize>at + 4);
  const function_ = image.position(start);
  addPointer(list, at, function_);
  const behind = image.position(start + size);
  list.add(at + 4, Kind.FromBase32, behind, function_, Flag.End | Flag.Detached);
  cursor = at + 8;
  const augmentation = readNumber(image, end);
  if (exceptionEncoding != RELATIVE_SIGNED_4 || augmentation < 4 || cursor + 4 > end) return;
  const distance = load<i32>(image.bytes + <usize>cursor);
  if (distance == 0) return;
  addPointer(list, cursor, image.position(toPlace + cursor + <u64>(<i64>distance)));
}

/** Reads the encodings of a common entry and, when it is met for the first time, its reference. */
function readCommon(
  image: ElfImage,
  section: Section,
  at: u64,
  end: u64,
  list: ReferenceList | null,
): void {
  const bytes = image.bytes;
  commonAt = at;
  functionEncoding = ABSENT;
  exceptionEncoding = ABSENT;
  const letters = at + 9;
  let lettersEnd = letters;
  while (lettersEnd < end && load<u8>(bytes + <usize>lettersEnd) != 0) {
    if (++lettersEnd - letters > LONGEST_AUGMENTATION) return;
  }
  cursor = lettersEnd + 1;
  readNumber(image, end); // code alignment
  readNumber(image, end); // data alignment
  readNumber(image, end); // return register
  if (letters >= end || load<u8>(bytes + <usize>letters) != 0x7a /* z */) return;
  readNumber(image, end);
  for (let letter = letters + 1; letter < lettersEnd && cursor < end; letter++) {
    const name = load<u8>(bytes + <usize>letter);
    if (name != 0x52 && name != 0x4c && name != 0x50) continue; // R, L, P
    const encoding = <u32>load<u8>(bytes + <usize>cursor);
    cursor++;
    if (name == 0x52) functionEncoding = encoding;
    else if (name == 0x4c) exceptionEncoding = encoding;
    else cursor += readPersonality(image, section, encoding, end, list);
  }
}

/** Bytes of the pointer to the personality routine. */
function readPersonality(
  image: ElfImage,
  section: Section,
  encoding: u32,
  end: u64,
  list: ReferenceList | null,
): u64 {
  const isRelative = (encoding & 0x70) == 0x10;
  if ((encoding & 15) == 0x0b && isRelative) {
    if (list != null && cursor + 4 <= end) {
      const distance = <u64>(<i64>load<i32>(image.bytes + <usize>cursor));
      const place = section.place + (cursor - section.offset) + distance;
      addPointer(list, cursor, image.position(place));
    }
    return 4;
  }
  return (encoding & 15) == 0x03 ? 4 : 8;
}

/** Unsigned LEB128 at the cursor; what lies past `end` reads as zeros. */
function readNumber(image: ElfImage, end: u64): u64 {
  let value: u64 = 0;
  for (let shift: u64 = 0; cursor < end && shift < 64; shift += 7) {
    const byte = load<u8>(image.bytes + <usize>cursor);
    cursor++;
    value |= (<u64>(byte & 0x7f)) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

/** .eh_frame_hdr: a sorted table of functions and their descriptions, relative to its start. */
export function findUnwindIndex(image: ElfImage, section: Section, list: ReferenceList): void {
  if (section.size < 12) return;
  const start = image.bytes + <usize>section.offset;
  // Version 1; pointer relative to the field; count unsigned; table relative to the section.
  if (load<u32>(start) != 0x3b03_1b01) return;
  const frames = section.place + 4 + <u64>(<i64>load<i32>(start + 4));
  addPointer(list, section.offset + 4, image.position(frames));
  const base = image.position(section.place);
  if (base == NOWHERE) return;
  const cells = min<u64>((<u64>load<u32>(start + 8)) << 1, (section.size - 12) >> 2);
  for (let cell: u64 = 0; cell < cells; cell++) {
    const at = section.offset + 12 + (cell << 2);
    const distance = <u64>(<i64>load<i32>(image.bytes + <usize>at));
    const target = image.position(section.place + distance);
    list.add(at, Kind.FromBase32, target, base, Flag.Detached);
  }
}
