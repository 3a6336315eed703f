import { ElfImage, Role } from './image';
import { operandFor, baseOf, sectionFact } from './operand';
import { column, MatchColumns } from './projection';
import { firstFrom, Flag, Kind, KIND_COUNT, Reference, ReferenceList, widthOf } from './reference';
import { learnSymbolSlots, symbolTablesEnd } from './symbol-slots';
import { Known, TargetMap } from './target-map';

/**
 * Goes through the new file once, in order, and predicts each matched byte: from the old byte, or
 * from where the target of an old reference went. What was seen of the new file so far teaches
 * where targets went, so that generator and client must do exactly the same here, one looking at
 * the new bytes, the other making them of the residual.
 */

/** References whose prediction was right and wrong, by kind, and those that changed at all. */
export const hits = memory.data(KIND_COUNT * 4);
export const misses = memory.data(KIND_COUNT * 4);

/** By kind and section of the target: how often the learned and the projected place were right. */
const scores = memory.data(KIND_COUNT * 64 * 8);
const MOST_SCORE: i32 = 64;

/** What `predict` weighed: the learned operand against the projected one. */
let contested = false;
let byLearning: u64 = 0;
let byProjection: u64 = 0;
let score: usize = 0;

/** .gnu_debuglink holds the build id in hexadecimal, without its first byte. */
const LINK_DIGITS: u32 = 38;
const BUILD_ID_SECTION_BYTES: u64 = 36;
const BUILD_ID_AT: u64 = 16;
let linkAt: u32 = 0;
let linkEnd: u32 = 0;
let buildId: u32 = 0;

let actual: usize = 0;
let residual: usize = 0;
let oldBytes: usize = 0;
let encodes = false;
let map: TargetMap = changetype<TargetMap>(0);

/** New offset from which on the symbol tables are known, and whether they were read. */
let tablesEnd: u64 = 0;
let tablesRead = false;
/** New offset of .rela.plt: before its second row there is none to count on from. */
let slotsAt: u64 = 0;

const RELA_BYTES: u64 = 24;

/**
 * `encode`: `actualBytes` is the new file, `residualBytes` is written. Else `actualBytes` and
 * `residualBytes` are the same memory, which holds the residual and becomes the new file.
 */
export function run(
  targets: TargetMap,
  matches: MatchColumns,
  actualBytes: usize,
  residualBytes: usize,
  newLength: u32,
  encode: bool,
): void {
  map = targets;
  actual = actualBytes;
  residual = residualBytes;
  encodes = encode;
  oldBytes = map.old.bytes;
  memory.fill(scores, 0, KIND_COUNT * 64 * 8);
  memory.fill(hits, 0, KIND_COUNT * 4);
  memory.fill(misses, 0, KIND_COUNT * 4);
  tablesEnd = symbolTablesEnd(map.new_);
  tablesRead = false;
  const slots = map.new_.findBytes(Role.RelaPlt);
  slotsAt = slots == null ? 0 : slots.offset;
  findDebugLink(map.new_);

  let at: u32 = 0;
  for (let row: u32 = 0; row < matches.count; row++) {
    const newAt = column(matches.newAt, row);
    const length = column(matches.length, row);
    takeUnmatched(at, newAt);
    takeMatch(newAt, column(matches.oldAt, row), length);
    at = newAt + length;
  }
  takeUnmatched(at, newLength);
}

function findDebugLink(image: ElfImage): void {
  linkAt = 0;
  linkEnd = 0;
  const link = image.findBytes(Role.DebugLink);
  const id = image.findBytes(Role.BuildId);
  if (link == null || id == null) return;
  if (link.size < LINK_DIGITS + 10 || id.size != BUILD_ID_SECTION_BYTES) return;
  if (id.offset + id.size > link.offset) return;
  linkAt = <u32>link.offset;
  linkEnd = linkAt + LINK_DIGITS;
  buildId = <u32>(id.offset + BUILD_ID_AT);
}

function takeUnmatched(at: u32, end: u32): void {
  if (encodes) memory.copy(residual + at, actual + at, end - at);
  takeDebugLink(at, end);
}

/** Digits of the debug link within a stretch; their build id was restored before. */
function takeDebugLink(at: u32, end: u32): void {
  const last = min<u32>(end, linkEnd);
  for (let digit = max<u32>(at, linkAt); digit < last; digit++) {
    const index = digit - linkAt;
    const byte = <u32>load<u8>(actual + buildId + 1 + (index >>> 1));
    const nibble = index & 1 ? byte & 15 : byte >>> 4;
    takeByte(digit, nibble < 10 ? 0x30 + nibble : 0x57 + nibble);
  }
}

function takeByte(at: u32, predicted: u32): void {
  if (encodes) store<u8>(residual + at, load<u8>(actual + at) - <u8>predicted);
  else store<u8>(actual + at, load<u8>(residual + at) + <u8>predicted);
}

/** Bytes predicted to be the old ones `shift` before. */
function takePlain(at: u32, end: u32, shift: i64): void {
  if (at < linkEnd && end > linkAt) {
    if (at < linkAt) takeBytes(at, linkAt, shift);
    takeDebugLink(at, end);
    if (end > linkEnd) takeBytes(linkEnd, end, shift);
  } else {
    takeBytes(at, end, shift);
  }
}

const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/** Eight bytes at a time, without carries from one into the next. */
function takeBytes(from: u32, end: u32, shift: i64): void {
  const old = oldBytes - <usize>shift;
  let at = from;
  if (encodes) {
    for (; at + 8 <= end; at += 8) {
      const a = load<u64>(actual + at);
      const b = load<u64>(old + at);
      const difference = ((a | HIGH_BITS) - (b & LOW_BITS)) ^ ((a ^ ~b) & HIGH_BITS);
      store<u64>(residual + at, difference);
    }
  } else {
    for (; at + 8 <= end; at += 8) {
      const a = load<u64>(residual + at);
      const b = load<u64>(old + at);
      const sum = ((a & LOW_BITS) + (b & LOW_BITS)) ^ ((a ^ b) & HIGH_BITS);
      store<u64>(actual + at, sum);
    }
  }
  for (; at < end; at++) takeByte(at, load<u8>(old + at));
}

function takeMatch(newAt: u32, oldAt: u32, length: u32): void {
  const list = map.references.list;
  const shift = <i64>newAt - <i64>oldAt;
  map.matchOld = oldAt;
  map.matchLength = length;
  map.matchShift = shift;
  const oldEnd = <u64>oldAt + length;
  let at = newAt;
  for (let row = firstFrom(list, oldAt); row < list.count; row++) {
    const reference = list.at(row);
    const width = widthOf(reference.kind);
    if (<u64>reference.offset + width > oldEnd) break;
    const field = <u32>(<i64>reference.offset + shift);
    takePlain(at, field, shift);
    if (!tablesRead && field >= tablesEnd) {
      tablesRead = true;
      learnSymbolSlots(map, actual);
    }
    takeReference(reference, field, width);
    at = field + width;
  }
  takePlain(at, newAt + length, shift);
}

function takeReference(reference: Reference, field: u32, width: u32): void {
  const site = map.new_.placeOfOffset(field);
  const operand = predict(reference, field, site);
  const from = (encodes ? actual : residual) + field;
  let value: u64;
  if (width == 4) {
    value = <u64>load<u32>(from);
    if (encodes) {
      store<u32>(residual + field, <u32>subtract(value, operand));
    } else {
      value = <u64>(<u32>add(value, operand));
      store<u32>(actual + field, <u32>value);
    }
  } else if (width == 8) {
    value = load<u64>(from);
    if (encodes) {
      store<u64>(residual + field, subtract(value, operand));
    } else {
      value = add(value, operand);
      store<u64>(actual + field, value);
    }
  } else {
    value = <u64>load<u8>(from);
    if (encodes) {
      store<u8>(residual + field, <u8>(value - operand));
    } else {
      value = (value + operand) & 0xff;
      store<u8>(actual + field, <u8>value);
    }
  }
  const bits: u64 = width == 8 ? <u64>-1 : ((<u64>1) << (8 * width)) - 1;
  if (encodes) {
    const counters = ((value ^ operand) & bits) == 0 ? hits : misses;
    const counter = counters + ((<usize>reference.kind) << 2);
    store<u32>(counter, load<u32>(counter) + 1);
  }
  if (contested) weigh(value, bits);
  learn(reference, value, site);
}

function add(a: u64, b: u64): u64 {
  return ((a & LOW_BITS) + (b & LOW_BITS)) ^ ((a ^ b) & HIGH_BITS);
}

function subtract(a: u64, b: u64): u64 {
  return ((a | HIGH_BITS) - (b & LOW_BITS)) ^ ((a ^ ~b) & HIGH_BITS);
}

function predict(reference: Reference, field: u32, site: u64): u64 {
  contested = false;
  const kind = <i32>reference.kind;
  const oldField = oldBytes + reference.offset;
  if (kind >= Kind.SectionAddress) return sectionFact(map, reference, oldField);
  const flags = <u32>reference.flags;
  if (flags & (Flag.Positional | Flag.Successive)) {
    if (flags & Flag.Successive && <u64>field >= slotsAt + RELA_BYTES) {
      return load<u64>(actual + field - <usize>RELA_BYTES) + 8;
    }
    return operandFor(map, reference, oldField, site, map.bySection(reference.target));
  }
  const target = map.at(reference.target);
  if ((flags & Flag.Detached) != 0 || target.state == 0) {
    const place = map.byMatches(reference.target, (flags & Flag.End) != 0);
    return operandFor(map, reference, oldField, site, place);
  }
  byLearning = operandFor(map, reference, oldField, site, target.learned);
  if (target.state & Known.Named) return byLearning;
  map.learns = false;
  const place = map.byMatches(reference.target, false);
  byProjection = operandFor(map, reference, oldField, site, place);
  map.learns = true;
  if (byLearning == byProjection) return byLearning;
  contested = true;
  score = scores + (((<usize>kind) << 6) | (target.section & 63)) * 8;
  return load<i32>(score, 4) >= load<i32>(score) ? byLearning : byProjection;
}

/** Both sides had something to say: remember who was right. */
function weigh(value: u64, bits: u64): void {
  let projected = load<i32>(score);
  let learned = load<i32>(score, 4);
  if (((byProjection ^ value) & bits) == 0) projected++;
  if (((byLearning ^ value) & bits) == 0) learned++;
  if (projected + learned > MOST_SCORE) {
    projected >>= 1;
    learned >>= 1;
  }
  store<i32>(score, projected);
  store<i32>(score, learned, 4);
}

/** Where the reference really points in the new file is where its target went. */
function learn(reference: Reference, value: u64, site: u64): void {
  if (reference.flags & Flag.Detached) return;
  let place: u64;
  switch (<i32>reference.kind) {
    case Kind.Relative32:
      place = site + 4 + <i64>reference.adjust + <i64>(<i32>value);
      break;
    case Kind.Absolute64:
      place = value;
      break;
    case Kind.Absolute32:
      place = <u64>(<i64>(<i32>value));
      break;
    case Kind.FromBase32:
      place = baseOf(map, reference) + value;
      break;
    case Kind.Branch26:
      place = site + <u64>((<i64>(value << 38)) >> 36);
      break;
    default:
      return;
  }
  if (map.new_.spanOf(place) >= 0) map.learn(reference.target, place);
}
