/**
 * References in ELF files: found in the old bytes, predicted in the new ones. The two sides of a
 * pair are images; shared/elf/kernel.ts is the typed door and says how to go through it.
 */
import { findReferences as findIn, References } from './elf/finder';
import { ElfImage } from './elf/image';
import { labelsByContent, labelsByVotes, noLabels, ownLabels, writeLabels } from './elf/labels';
import { hits, misses, run } from './elf/prediction';
import { buildProjection, MatchColumns } from './elf/projection';
import { learnSymbolSlots } from './elf/symbol-slots';
import { newTargetMap, targetRows } from './elf/target-map';
import { decode, prepareTables } from './elf/x86-64';
import { release, releaseAll, reserve } from './memory-stack';

/** Bytes of memory for the caller to fill, until it forgets them. */
export function allocate(length: usize): usize {
  return reserve(length);
}

/** Everything that was allocated, by the caller or in here, for another pair to take its place. */
export function forget(): void {
  releaseAll();
}

export function openImage(
  bytes: usize,
  length: u32,
  type: u32,
  machine: u32,
  sectionTable: u64,
  sections: usize,
  sectionCount: u32,
  places: usize,
  placeCount: u32,
  offsets: usize,
  offsetCount: u32,
  positions: u32,
  lowest: u64,
  highest: u64,
  firstOfRole: usize,
): ElfImage {
  const image = changetype<ElfImage>(reserve(offsetof<ElfImage>()));
  image.bytes = bytes;
  image.length = length;
  image.type = type;
  image.machine = machine;
  image.sectionTable = sectionTable;
  image.sections = sections;
  image.sectionCount = sectionCount;
  image.places = places;
  image.placeCount = placeCount;
  image.offsets = offsets;
  image.offsetCount = offsetCount;
  image.positions = positions;
  image.lowest = lowest;
  image.highest = highest;
  image.firstOfRole = firstOfRole;
  image.recentPlace = 0;
  image.recentOffset = 0;
  return image;
}

export function findReferences(image: ElfImage): References {
  return findIn(image);
}

export function referenceCount(references: References): u32 {
  return references.list.count;
}

/** Address of 16-byte rows: offset, kind, flags, adjustment, scale, target, base. */
export function referenceRows(references: References): usize {
  return references.list.rows;
}

/** The columns must be in bounds of both files and in order of the new one. */
export function openMatches(newAt: usize, oldAt: usize, length: usize, count: u32): MatchColumns {
  const matches = changetype<MatchColumns>(reserve(offsetof<MatchColumns>()));
  matches.newAt = newAt;
  matches.oldAt = oldAt;
  matches.length = length;
  matches.count = count;
  return matches;
}

/** Encodes `actual` into `residual`, or decodes in place when both are the same memory. */
export function predict(
  old: ElfImage,
  new_: ElfImage,
  references: References,
  matches: MatchColumns,
  actual: usize,
  residual: usize,
  newLength: u32,
): void {
  const start = reserve(0);
  const projection = buildProjection(matches, old.length);
  const map = newTargetMap(old, new_, references, projection);
  run(map, matches, actual, residual, newLength, actual != residual);
  release(start);
}

/** Counters of 32 bits for each kind of reference, of the last encoding. */
export function hitCounters(): usize {
  return hits;
}
export function missCounters(): usize {
  return misses;
}

/** Writes labels over the references in copies of both files, as `matches` show them. */
export function label(
  old: ElfImage,
  new_: ElfImage,
  oldReferences: References,
  newReferences: References,
  matches: MatchColumns,
  oldCopy: usize,
  newCopy: usize,
): void {
  const start = reserve(0);
  const map = newTargetMap(old, new_, oldReferences, buildProjection(matches, old.length));
  learnSymbolSlots(map, new_.bytes);
  const newRows = targetRows(new_, newReferences);
  const labels = labelsByVotes(map, matches, newReferences, newRows);
  memory.copy(oldCopy, old.bytes, old.length);
  memory.copy(newCopy, new_.bytes, new_.length);
  writeLabels(oldCopy, old, oldReferences, map.rows, labels, map);
  const own = ownLabels(newRows, newReferences.targets.memberCount);
  writeLabels(newCopy, new_, newReferences, newRows, own, null);
  release(start);
}

/** Writes labels over the references of one file in a copy, as the bytes at their targets are. */
export function labelAlone(image: ElfImage, references: References, copy: usize): void {
  const start = reserve(0);
  const rows = targetRows(image, references);
  const none = noLabels(references.targets.memberCount);
  memory.copy(copy, image.bytes, image.length);
  writeLabels(copy, image, references, rows, none, null);
  const labels = labelsByContent(image, references, rows, copy);
  writeLabels(copy, image, references, rows, labels, null);
  release(start);
}

/** For tests: length of an x86-64 instruction, 0 when it is none. */
export function instructionLength(start: usize, end: usize): u32 {
  prepareTables();
  return decode(start, end);
}
