import { Section } from './image';
import { Flag, Kind, Reference } from './reference';
import { TargetMap } from './target-map';

/** The bytes of a reference, as a number, that point from `site` to `target` in the new file. */
export function operandFor(
  map: TargetMap,
  reference: Reference,
  oldField: usize,
  site: u64,
  target: u64,
): u64 {
  switch (<i32>reference.kind) {
    case Kind.Relative32:
      return target - (site + 4 + <i64>reference.adjust);
    case Kind.Relative8: {
      const distance = <i64>(target - (site + 1));
      const fits = distance >= -128 && distance <= 127;
      return fits ? <u64>distance : <u64>load<u8>(oldField);
    }
    case Kind.Absolute64:
    case Kind.Absolute32:
      return target;
    case Kind.Back32:
      return site - target;
    case Kind.FromBase32:
    case Kind.FromBase64: {
      const distance = <i64>(target - baseOf(map, reference));
      const scale = <i64>reference.scale;
      return <u64>((scale == 1 ? distance : distance / scale) - <i64>reference.adjust);
    }
    case Kind.Branch26:
      return inWord(oldField, 0xfc00_0000, <u32>((target - site) >> 2));
    case Kind.Branch19:
      return inWord(oldField, 0xff00_001f, (<u32>((target - site) >> 2)) << 5);
    case Kind.Branch14:
      return inWord(oldField, 0xfff8_001f, (<u32>((target - site) >> 2)) << 5);
    case Kind.Page21: {
      const pages = <u32>((target >> 12) - (site >> 12));
      return inWord(oldField, 0x9f00_001f, ((pages & 3) << 29) | ((pages >> 2) << 5));
    }
    default: // PageOffset12
      return inWord(oldField, 0xffc0_03ff, (<u32>((target & 0xfff) >> reference.adjust)) << 10);
  }
}

/** The old instruction with another number in the bits outside `keep`. */
function inWord(oldField: usize, keep: u32, number: u32): u64 {
  return (load<u32>(oldField) & keep) | (number & ~keep);
}

/** Bits of an instruction word that are not the number; 0 for kinds that are whole fields. */
export function keptBits(kind: i32): u32 {
  if (kind == Kind.Branch26) return 0xfc00_0000;
  if (kind == Kind.Branch19) return 0xff00_001f;
  if (kind == Kind.Branch14) return 0xfff8_001f;
  if (kind == Kind.Page21) return 0x9f00_001f;
  return kind == Kind.PageOffset12 ? 0xffc0_03ff : 0;
}

/** New place of the base. Bases are starts of tables; only sizes count from learned places. */
export function baseOf(map: TargetMap, reference: Reference): u64 {
  if (reference.flags & Flag.End) {
    const target = map.at(reference.base);
    if (target.state != 0) return target.learned;
  }
  return map.byMatches(reference.base, false);
}

/** Facts of the section table; the old bytes where the section is gone. */
export function sectionFact(map: TargetMap, reference: Reference, oldField: usize): u64 {
  if (reference.kind == Kind.SectionTable) return map.new_.sectionTable;
  const first = counterpart(map, reference.target);
  if (first == null) return load<u64>(oldField);
  switch (<i32>reference.kind) {
    case Kind.SectionAddress:
      return first.address;
    case Kind.SectionOffset:
      return first.offset;
    case Kind.SectionSize:
      return first.size;
    case Kind.SectionEnd:
      return first.address + first.size;
  }
  const last = counterpart(map, reference.base);
  return last == null ? load<u64>(oldField) : last.address + last.size - first.address;
}

function counterpart(map: TargetMap, index: u32): Section | null {
  const same = map.old.section(index).counterpart;
  return same < 0 ? null : map.new_.section(<u32>same);
}
