import { ElfImage, NOWHERE, Role, Section } from './image';
import { PositionSet } from './position-set';
import { Flag, Kind, ReferenceList } from './reference';

const FEWEST_ENTRIES: u32 = 3;

/**
 * Tables in .rodata of four-byte distances from the table to one section of code. They begin where
 * code references data, and end at the next such place at the latest.
 */
export function findJumpTables(
  image: ElfImage,
  section: Section,
  dataTargets: PositionSet,
  list: ReferenceList,
): void {
  const first = image.position(section.place);
  if (first == NOWHERE || section.role != Role.ReadOnlyData || section.isCode) return;
  // In a hostile table another section may have this place.
  const limit = min<u32>(first + <u32>section.size, image.positions);
  let table = dataTargets.next(first, limit);
  while (table < limit) {
    const next = dataTargets.next(table + 1, limit);
    const place = section.place + (table - first);
    if ((place & 3) == 0) {
      const count = countEntries(image, section, place, (next - table) >>> 2);
      const offset = section.offset + (table - first);
      for (let entry: u32 = 0; count >= FEWEST_ENTRIES && entry < count; entry++) {
        const at = offset + ((<u64>entry) << 2);
        const distance = <u64>(<i64>load<i32>(image.bytes + <usize>at));
        list.add(at, Kind.FromBase32, image.position(place + distance), table, Flag.Detached);
      }
    }
    table = next;
  }
}

function countEntries(image: ElfImage, section: Section, place: u64, most: u32): u32 {
  const start = image.bytes + <usize>(section.offset + (place - section.place));
  let code = -1;
  for (let entry: u32 = 0; entry < most; entry++) {
    const distance = load<i32>(start + ((<usize>entry) << 2));
    if (distance == 0) return entry;
    const index = image.sectionOfPlace(place + <u64>(<i64>distance));
    if (index < 0 || (code >= 0 && index != code)) return entry;
    if (code < 0) {
      if (!image.section(<u32>index).isCode) return entry;
      code = index;
    }
  }
  return most;
}
