/*
 * The streams coded so far as columns: the numbers of a column of varints, or the single bytes. A
 * later stream of the same block can look at the same row of one or two of them.
 */

const MAX_STREAMS: i32 = 64;

const columns: usize = memory.data(MAX_STREAMS * 4);
const rowCounts: usize = memory.data(MAX_STREAMS * 4);

let column: usize = 0;
let firstCompanion: usize = 0;
let firstRows: u32 = 0;
let secondCompanion: usize = 0;
let secondRows: u32 = 0;

/** The row that is being coded. */
export let row: u32 = 0;

/** Opens column `index` for at most `maxRows` rows; companions are earlier columns, or -1. */
export function openColumn(index: i32, maxRows: u32, first: i32, second: i32): void {
  row = 0;
  column = heap.alloc(<usize>maxRows * 4);
  store<u32>(columns + (index << 2), <u32>column);
  firstCompanion = first < 0 ? 0 : <usize>load<u32>(columns + (first << 2));
  firstRows = first < 0 ? 0 : load<u32>(rowCounts + (first << 2));
  secondCompanion = second < 0 ? 0 : <usize>load<u32>(columns + (second << 2));
  secondRows = second < 0 ? 0 : load<u32>(rowCounts + (second << 2));
}

export function addRow(value: u32): void {
  store<u32>(column + ((<usize>row) << 2), value);
  row++;
}

export function closeColumn(index: i32): void {
  store<u32>(rowCounts + (index << 2), row);
}

export function hasFirst(): bool {
  return firstCompanion != 0;
}

export function hasSecond(): bool {
  return secondCompanion != 0;
}

/** A companion's number in a row; 0 where it has none. */
export function firstAt(at: u32): u32 {
  return at < firstRows ? load<u32>(firstCompanion + ((<usize>at) << 2)) : 0;
}

export function secondAt(at: u32): u32 {
  return at < secondRows ? load<u32>(secondCompanion + ((<usize>at) << 2)) : 0;
}
