import type { Matches } from '../delta/matches.js';
import { DebshoalError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { ElfKernel } from './kernel.js';
import { decodeLayout } from './layout.js';
import { readSectionTable } from './section-table.js';

/**
 * The new file from the old one: the exact inverse of `matchElf`. `residual` has the length of the
 * new file. Whatever does not fit together, and memory that does not suffice, is `delta-damaged`.
 */
export function restoreElf(
  oldBytes: Uint8Array,
  layout: Uint8Array,
  matches: Matches,
  residual: Uint8Array,
): Uint8Array {
  if (Math.max(oldBytes.length, residual.length) > LIMITS.elfBytes) {
    throw new DebshoalError('delta-damaged', 'too large for an ELF file');
  }
  const old = readSectionTable(oldBytes);
  if (old === null) throw new DebshoalError('delta-damaged', 'the old file is no known ELF');
  const { table, oldIndex } = decodeLayout(old, layout, residual.length);
  expectWithin(matches, oldBytes.length, residual.length);
  try {
    const kernel = new ElfKernel();
    const oldAddress = kernel.put(oldBytes);
    const newAddress = kernel.put(residual);
    const oldImage = kernel.openImage(
      oldAddress,
      oldBytes.length,
      old,
      invert(oldIndex, old.sections.length),
    );
    const newImage = kernel.openImage(newAddress, residual.length, table, oldIndex);
    const references = kernel.call.findReferences(oldImage);
    const columns = kernel.putMatches(matches);
    kernel.call.predict(
      oldImage,
      newImage,
      references,
      columns,
      newAddress,
      newAddress,
      residual.length,
    );
    // A view would keep all of the kernel's memory.
    return kernel.view(newAddress, residual.length).slice();
  } catch (cause) {
    throw new DebshoalError('delta-damaged', 'an ELF file cannot be restored', { cause });
  }
}

/** For each old section the new one that it became, or -1. */
export function invert(oldIndex: Int32Array, oldCount: number): Int32Array {
  const newIndex = new Int32Array(oldCount).fill(-1);
  oldIndex.forEach((old, index) => {
    if (old >= 0) newIndex[old] = index;
  });
  return newIndex;
}

function expectWithin(matches: Matches, oldLength: number, newLength: number): void {
  const { newAt, oldAt, length } = matches;
  const damaged = () => new DebshoalError('delta-damaged', 'a match leaves its files');
  if (oldAt.length !== newAt.length || length.length !== newAt.length) throw damaged();
  let end = 0;
  for (let index = 0; index < newAt.length; index++) {
    const at = newAt[index] ?? 0;
    const bytes = length[index] ?? 0;
    if (at < end || (oldAt[index] ?? 0) + bytes > oldLength) throw damaged();
    end = at + bytes;
  }
  if (end > newLength) throw damaged();
}
