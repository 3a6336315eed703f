import { reserve } from '../memory-stack';
import { References } from './finder';
import { ElfImage, Role } from './image';
import { keptBits } from './operand';
import { column, MatchColumns } from './projection';
import { firstFrom, Flag, Kind, Reference, widthOf } from './reference';
import { radixSort } from './sort';
import { TargetMap, Target } from './target-map';

/**
 * For matching, the bytes of references are replaced by labels that are the same on both sides when
 * the targets correspond: then only code that really differs differs. Where targets correspond is
 * told by earlier matches: references at the same place in matched code vote.
 */

/** Stands for what says nothing: counters, distances to common entries. */
const NO_LABEL: u64 = 0xc3c3_c3c3_c3c3_c3c3;

/** A number that spreads over all bytes, so that near labels do not look alike. */
function spread(label: u64): u64 {
  let hash = label * 0x9e37_79b9_7f4a_7c15;
  hash ^= hash >> 29;
  return hash * 0xbf58_476d_1ce4_e5b9;
}

/** For each target of the old file the place in the new one that stands for it. */
export function labelsByVotes(
  map: TargetMap,
  matches: MatchColumns,
  newReferences: References,
  newRows: usize,
): usize {
  const count = map.references.targets.memberCount;
  const labels = reserve((<usize>count) << 3);
  map.learns = false;
  map.matchLength = 0;
  for (let number: u32 = 0; number < count; number++) {
    store<u64>(labels + ((<usize>number) << 3), map.byMatches(number, false));
  }
  castVotes(map, matches, newReferences, newRows, labels);
  for (let number: u32 = 0; number < count; number++) {
    const target = map.at(number);
    if (target.state != 0) store<u64>(labels + ((<usize>number) << 3), target.learned);
  }
  return labels;
}

function castVotes(
  map: TargetMap,
  matches: MatchColumns,
  newReferences: References,
  newRows: usize,
  labels: usize,
): void {
  const most = map.references.list.count;
  const votes = reserve((<usize>most) << 3);
  let count: u32 = 0;
  for (let row: u32 = 0; row < matches.count && count < most; row++) {
    count = votesOfMatch(map, matches, row, newReferences, votes, count, most);
  }
  const sorted = radixSort(votes, reserve((<usize>count) << 3), count, 0);
  let best: u32 = 0;
  let index: u32 = 0;
  let voter: u32 = 0xffff_ffff;
  while (index < count) {
    const vote = load<u64>(sorted + ((<usize>index) << 3));
    let next = index + 1;
    while (next < count && load<u64>(sorted + ((<usize>next) << 3)) == vote) next++;
    const number = <u32>(vote >> 32);
    if (number != voter) best = 0;
    voter = number;
    if (next - index > best) {
      best = next - index;
      const place = changetype<Target>(newRows + <usize>(<u32>vote) * offsetof<Target>()).place;
      store<u64>(labels + ((<usize>number) << 3), place);
    }
    index = next;
  }
}

function votesOfMatch(
  map: TargetMap,
  matches: MatchColumns,
  match: u32,
  newReferences: References,
  votes: usize,
  before: u32,
  most: u32,
): u32 {
  const old = map.references.list;
  const other = newReferences.list;
  const oldAt = column(matches.oldAt, match);
  const end = <u64>oldAt + column(matches.length, match);
  const shift = <i64>column(matches.newAt, match) - <i64>oldAt;
  let count = before;
  let newRow = firstFrom(other, column(matches.newAt, match));
  for (let row = firstFrom(old, oldAt); row < old.count && count < most; row++) {
    const reference = old.at(row);
    if (<u64>reference.offset + widthOf(reference.kind) > end) break;
    if (!hasVote(reference.kind)) continue;
    const section = map.old.sectionOfOffset(reference.offset);
    if (section < 0 || !map.old.section(<u32>section).isCode) continue;
    const offset = <u32>(<i64>reference.offset + shift);
    while (newRow < other.count && other.at(newRow).offset < offset) newRow++;
    if (newRow == other.count) break;
    const same = other.at(newRow);
    if (same.offset != offset || same.kind != reference.kind) continue;
    store<u64>(votes + ((<usize>count) << 3), ((<u64>reference.target) << 32) | same.target);
    count++;
  }
  return count;
}

function hasVote(kind: i32): bool {
  return (
    kind == Kind.Relative32 ||
    kind == Kind.Absolute32 ||
    kind == Kind.Branch26 ||
    kind == Kind.Page21
  );
}

/** Bytes at a target that stand for it. */
const CONTENT_BYTES: u64 = 24;

/**
 * Before anything was matched, targets correspond when the bytes there are the same. `masked` is
 * the image with nothing but equal labels.
 */
export function labelsByContent(
  image: ElfImage,
  references: References,
  rows: usize,
  masked: usize,
): usize {
  const count = references.targets.memberCount;
  const labels = reserve((<usize>count) << 3);
  for (let number: u32 = 0; number < count; number++) {
    const target = changetype<Target>(rows + <usize>number * offsetof<Target>());
    const section = image.section(target.section);
    const inside = target.place - section.place;
    let hash = <u64>section.role;
    if (section.hasBytes && inside < section.size) {
      const start = masked + <usize>(section.offset + inside);
      const bytes = <usize>min<u64>(section.size - inside, CONTENT_BYTES);
      for (let index: usize = 0; index < bytes; index++) {
        hash = (hash ^ load<u8>(start + index)) * 0x100_0000_01b3;
      }
    }
    store<u64>(labels + ((<usize>number) << 3), hash);
  }
  return labels;
}

/** The same label for all. */
export function noLabels(count: u32): usize {
  const labels = reserve((<usize>count) << 3);
  memory.fill(labels, 0, (<usize>count) << 3);
  return labels;
}

/** Each target stands for itself. */
export function ownLabels(rows: usize, count: u32): usize {
  const labels = reserve((<usize>count) << 3);
  for (let number: u32 = 0; number < count; number++) {
    const target = changetype<Target>(rows + <usize>number * offsetof<Target>());
    store<u64>(labels + ((<usize>number) << 3), target.place);
  }
  return labels;
}

/** Writes labels over the references of `bytes`. `map`: of the old side, null on the new one. */
export function writeLabels(
  bytes: usize,
  image: ElfImage,
  references: References,
  rows: usize,
  labels: usize,
  map: TargetMap | null,
): void {
  const list = references.list;
  for (let row: u32 = 0; row < list.count; row++) {
    const reference = list.at(row);
    const kind = <i32>reference.kind;
    const field = bytes + reference.offset;
    if (kind >= Kind.SectionAddress) {
      store<u64>(field, 0xa5a5_a5a5_a5a5_a5a5);
      continue;
    }
    if (kind == Kind.Relative8) continue;
    const hash = labelOf(reference, rows, labels, map);
    const keep = keptBits(kind);
    if (keep != 0) {
      const number = hash == NO_LABEL ? 0 : <u32>(hash >> 16);
      store<u32>(field, (load<u32>(field) & keep) | (number & ~keep));
    } else if (widthOf(kind) == 4) {
      store<u32>(field, <u32>(hash >> 16));
    } else {
      store<u64>(field, hash);
    }
  }
  maskBuildId(bytes, image);
}

function labelOf(reference: Reference, rows: usize, labels: usize, map: TargetMap | null): u64 {
  const flags = <u32>reference.flags;
  if (flags & Flag.End) {
    const end = changetype<Target>(rows + <usize>reference.target * offsetof<Target>()).place;
    const start = changetype<Target>(rows + <usize>reference.base * offsetof<Target>()).place;
    return spread(end - start);
  }
  if (reference.kind == Kind.Back32 || (flags & Flag.Successive) != 0) return NO_LABEL;
  if ((flags & Flag.Positional) != 0 && map != null) return spread(map.bySection(reference.target));
  return spread(load<u64>(labels + ((<usize>reference.target) << 3)));
}

/** The build id and what derives from it differ always, and would end matches. */
function maskBuildId(bytes: usize, image: ElfImage): void {
  const link = image.findBytes(Role.DebugLink);
  if (link != null && link.size >= 48) {
    memory.fill(bytes + <usize>link.offset, 0x78, 38);
    memory.fill(bytes + <usize>(link.offset + link.size - 4), 0x79, 4);
  }
  const id = image.findBytes(Role.BuildId);
  if (id != null && id.size == 36) memory.fill(bytes + <usize>id.offset + 16, 0x7a, 20);
}
