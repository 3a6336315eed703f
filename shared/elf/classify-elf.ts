import { spansOfOffsets } from './places.js';
import type { ElfSection, SectionTable } from './section-table.js';

/** Stretches of the new file in order: each ends at `ends[i]` and is of class `classes[i]`. */
export interface Classes {
  readonly ends: Uint32Array;
  readonly classes: Uint8Array;
}

/** Kinds of content whose residuals look alike: each has streams of its own. */
const CONTENT_CLASS = { code: 0, unwind: 1, tables: 2, data: 3, other: 4 } as const;

const FLAG_WRITABLE = 1n;
const FLAG_CODE = 4n;
/** Symbols, relocations with addends, dynamic symbols, GNU hash table. */
const TABLE_TYPES = new Set([2, 4, 11, 0x6ffffff6]);
const UNWIND_NAMES = new Set(['.eh_frame', '.eh_frame_hdr', '.gcc_except_table']);

/** What each stretch of a file holds, by its section table. */
export function classifyElf(table: SectionTable, newLength: number): Classes {
  const ends: number[] = [];
  const classes: number[] = [];
  const add = (end: number, kind: number) => {
    if (end <= (ends.at(-1) ?? 0)) return;
    if (classes.at(-1) === kind) ends[ends.length - 1] = end;
    else {
      ends.push(end);
      classes.push(kind);
    }
  };
  for (const { start, reach, section: index } of spansOfOffsets(table)) {
    const section = table.sections[index];
    if (section === undefined) continue;
    const at = Number(start);
    add(at, CONTENT_CLASS.other);
    // The reach goes one further than the section, unless the next one begins there.
    add(Number(start + (reach < section.size ? reach + 1n : section.size)), classOf(section));
  }
  add(newLength, CONTENT_CLASS.other);
  return { ends: Uint32Array.from(ends), classes: Uint8Array.from(classes) };
}

/** How many of the classified bytes are code. */
export function countCode({ ends, classes }: Classes): number {
  return ends.reduce((sum, end, i) => {
    return classes[i] === CONTENT_CLASS.code ? sum + end - (ends[i - 1] ?? 0) : sum;
  }, 0);
}

function classOf(section: ElfSection): number {
  if ((section.flags & FLAG_CODE) !== 0n) return CONTENT_CLASS.code;
  if (UNWIND_NAMES.has(section.name)) return CONTENT_CLASS.unwind;
  if (section.name === '.gopclntab' || TABLE_TYPES.has(section.type)) return CONTENT_CLASS.tables;
  return (section.flags & FLAG_WRITABLE) !== 0n ? CONTENT_CLASS.data : CONTENT_CLASS.other;
}
