import type { Matches } from '../delta/matches.js';
import { DebshoalError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { ElfKernel } from './kernel.js';
import type { PairTables } from './layout.js';

/** Memory beyond this is not kept for the next file: packages have one large file, or many small. */
const KEPT_BYTES = 64 * 2 ** 20;

/**
 * Makes new files from old ones: the exact inverse of `matchElf`. The memory of small files is used
 * again for the next ones, for that of a fresh kernel costs more than many a file.
 */
export class ElfRestorer {
  #kernel: ElfKernel | null = null;

  /**
   * Turns `bytes`, the residual of the new file, into the file. Whatever does not fit together, and
   * memory that does not suffice, is `delta-damaged`.
   */
  restore(oldBytes: Uint8Array, tables: PairTables, matches: Matches, bytes: Uint8Array): void {
    if (Math.max(oldBytes.length, bytes.length) > LIMITS.elfBytes) {
      throw new DebshoalError('delta-damaged', 'too large for an ELF file');
    }
    expectWithin(matches, oldBytes.length, bytes.length);
    const kernel = this.#kernel ?? new ElfKernel();
    // After a trap nobody knows what state it is in.
    this.#kernel = null;
    try {
      predictInPlace(kernel, oldBytes, tables, matches, bytes);
    } catch (cause) {
      throw new DebshoalError('delta-damaged', 'an ELF file cannot be restored', { cause });
    }
    if (kernel.memoryBytes > KEPT_BYTES) return;
    kernel.call.forget();
    this.#kernel = kernel;
  }
}

function predictInPlace(
  kernel: ElfKernel,
  oldBytes: Uint8Array,
  { old, table, oldIndex }: PairTables,
  matches: Matches,
  bytes: Uint8Array,
): void {
  const oldAddress = kernel.put(oldBytes);
  const address = kernel.put(bytes);
  const counterparts = invert(oldIndex, old.sections.length);
  const oldImage = kernel.openImage(oldAddress, oldBytes.length, old, counterparts);
  const newImage = kernel.openImage(address, bytes.length, table, oldIndex);
  const references = kernel.call.findReferences(oldImage);
  const columns = kernel.putMatches(matches);
  kernel.call.predict(oldImage, newImage, references, columns, address, address, bytes.length);
  bytes.set(kernel.view(address, bytes.length));
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
