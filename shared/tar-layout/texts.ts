import { damaged, type ColumnReader, type ColumnWriter } from './columns.js';

/** A path of Linux; longer names and links are left to exceptions. */
export const MAX_TEXT = 4096;

/** Writes a text as what differs from a similar one: same start, same end, and what is between. */
export function writeText(out: ColumnWriter, similar: string, text: string): void {
  const { start, end } = commonEnds(similar, text);
  out.put('numbers', start);
  out.put('numbers', end);
  out.putText(text.slice(start, text.length - end));
}

export function readText(input: ColumnReader, similar: string): string {
  const start = input.take('numbers', similar.length);
  const end = input.take('numbers', similar.length - start);
  const text =
    similar.slice(0, start) + input.takeText(MAX_TEXT) + similar.slice(similar.length - end);
  if (text.length > MAX_TEXT) throw damaged('a name that is too long');
  return text;
}

/** Lengths of the common start and of the common end of the rest. */
export function commonEnds(a: string, b: string): { start: number; end: number } {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let end = 0;
  while (end < shorter - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return { start, end };
}

/** Part of a path that changed to something else, and will do so in other paths. */
export interface Renaming {
  readonly from: string;
  readonly to: string;
}

const VERSION_CHARACTER = /[0-9.]/;
/** Longer ones are no versions, and hostile ones multiply. */
const MAX_RENAMED = 64;

/** What changed between two paths, widened to whole version numbers; null when nothing to learn. */
export function learnRenaming(before: string, after: string): Renaming | null {
  let { start, end } = commonEnds(before, after);
  const isVersion = (at: number): boolean => VERSION_CHARACTER.test(before[at] ?? '');
  while (start > 0 && isVersion(start - 1)) start--;
  while (end > 0 && isVersion(before.length - end)) end--;
  // A dot around a version is none of it: 1.2.8 is followed by one in names of files only.
  const isDot = (at: number): boolean => before[at] === '.' && start < before.length - end;
  while (isDot(start) && after[start] === '.') start++;
  while (isDot(before.length - end - 1) && after[after.length - end - 1] === '.') end++;
  const from = before.slice(start, before.length - end);
  const to = after.slice(start, after.length - end);
  return from === '' || from.length > MAX_RENAMED || to.length > MAX_RENAMED ? null : { from, to };
}

export function applyRenaming(renaming: Renaming | null, text: string): string {
  if (renaming === null || text.length > MAX_TEXT) return text;
  const renamed = text.replaceAll(renaming.from, () => renaming.to);
  return renamed.length > MAX_TEXT ? text : renamed;
}
