import { reserve } from '../memory-stack';
import { References } from './finder';
import { ElfImage, placePosition, placeSection, placeStart, Section } from './image';
import { newNumberSet, NumberSet } from './number-set';
import { Projection, projectOffset } from './projection';

/** One place of the old file that references point to. */
@unmanaged
export class Target {
  place: u64;
  /** Where it went according to references restored so far. */
  learned: u64;
  section: u32;
  state: u32;
}

export const enum Known {
  Learned = 1,
  /** By the name of its symbol: surer than anything else. */
  Named = 2,
}

/** Where targets went: as the matches say, and as references restored so far told. */
@unmanaged
export class TargetMap {
  old: ElfImage;
  new_: ElfImage;
  references: References;
  projection: Projection;
  rows: usize;
  learned: NumberSet;
  /** The match being restored, which says more about its own bytes than the projection. */
  matchOld: u32;
  matchLength: u32;
  matchShift: i64;
  /** False: only matches count, as when labels are made. */
  learns: bool;

  at(number: u32): Target {
    return changetype<Target>(this.rows + <usize>number * offsetof<Target>());
  }

  learn(number: u32, place: u64): void {
    const target = this.at(number);
    target.learned = place;
    target.state |= Known.Learned;
    this.learned.add(number);
  }

  /** By name; `oldPlace` may be no target at all. */
  learnByName(oldPlace: u64, newPlace: u64): void {
    const position = this.old.position(oldPlace);
    const targets = this.references.targets;
    if (position == 0xffff_ffff || !targets.has(position)) return;
    const target = this.at(targets.rank(position));
    target.learned = newPlace;
    target.state |= Known.Learned | Known.Named;
  }

  /** Moves with its section. */
  bySection(number: u32): u64 {
    const target = this.at(number);
    const section = this.old.section(target.section);
    if (section.counterpart < 0) return target.place;
    return this.new_.section(section.counterpart).place + (target.place - section.place);
  }

  /** New place of a target. `isEnd`: it is the end of what lies before it. */
  byMatches(number: u32, isEnd: bool): u64 {
    const target = this.at(number);
    const section = this.old.section(target.section);
    const inside = target.place - section.place;
    if (!section.hasBytes) {
      const near = this.byNeighbour(number, section, true);
      return near != NO_NEIGHBOUR ? near : this.bySection(number);
    }
    if (inside == 0) return this.bySection(number);
    const counterpart = section.counterpart;
    if (inside == section.size && !isEnd && counterpart >= 0) {
      const same = this.new_.section(counterpart);
      return same.place + same.size;
    }
    const offset = <u32>(section.offset + inside);
    const moved = isEnd ? this.moveOffset(offset - 1) + 1 : this.moveOffset(offset);
    if (counterpart < 0) return this.new_.placeOfOffset(moved);
    const same = this.new_.section(counterpart);
    if (<u64>moved - same.offset <= same.size) return same.place + (<u64>moved - same.offset);
    const near = this.byNeighbour(number, section, false);
    return near != NO_NEIGHBOUR ? near : same.place + inside;
  }

  private moveOffset(offset: u32): i64 {
    if (offset - this.matchOld < this.matchLength) return <i64>offset + this.matchShift;
    return projectOffset(this.projection, offset);
  }

  /** As the learned target before it (or after it) in the same section went. */
  private byNeighbour(number: u32, section: Section, either: bool): u64 {
    if (!this.learns) return NO_NEIGHBOUR;
    const place = this.at(number).place;
    const before = this.learned.atMost(number);
    if (before >= 0) {
      const neighbour = this.at(before);
      if (neighbour.place >= section.place) {
        return place - neighbour.place + neighbour.learned;
      }
    }
    if (!either) return NO_NEIGHBOUR;
    const after = this.learned.above(number);
    if (after < 0) return NO_NEIGHBOUR;
    const neighbour = this.at(after);
    if (neighbour.place > section.place + section.size) return NO_NEIGHBOUR;
    return place - neighbour.place + neighbour.learned;
  }
}

/** Stands for none: a place that no section can have. */
const NO_NEIGHBOUR: u64 = <u64>-1;

export function newTargetMap(
  old: ElfImage,
  new_: ElfImage,
  references: References,
  projection: Projection,
): TargetMap {
  const map = changetype<TargetMap>(reserve(offsetof<TargetMap>()));
  map.old = old;
  map.new_ = new_;
  map.references = references;
  map.projection = projection;
  map.matchOld = 0;
  map.matchLength = 0;
  map.matchShift = 0;
  map.learns = true;
  map.learned = newNumberSet(references.targets.memberCount);
  map.rows = targetRows(old, references);
  return map;
}

/** Places and sections of all targets of an image; nothing is known of them yet. */
export function targetRows(image: ElfImage, references: References): usize {
  const targets = references.targets;
  const rows = reserve(<usize>targets.memberCount * offsetof<Target>());
  const limit = image.positions;
  let position = targets.next(0, limit);
  let row: u32 = 0;
  for (let number: u32 = 0; number < targets.memberCount; number++) {
    while (row + 1 < image.placeCount && placePosition(image, row + 1) <= position) row++;
    const target = changetype<Target>(rows + <usize>number * offsetof<Target>());
    target.place = placeStart(image, row) + (position - placePosition(image, row));
    target.section = placeSection(image, row);
    target.learned = 0;
    target.state = 0;
    position = targets.next(position + 1, limit);
  }
  return rows;
}
