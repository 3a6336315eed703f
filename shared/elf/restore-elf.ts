import type { Matches } from '../delta/matches.js';
import { DebshoalError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { ElfKernel, type Address } from './kernel.js';
import type { PairTables } from './layout.js';

/** Memory beyond this is not kept for the next file: packages have one large file, or many small. */
const KEPT_BYTES = 64 * 2 ** 20;

/** An old file in the memory of a kernel. */
interface OldFile {
  readonly kernel: ElfKernel;
  readonly at: Address;
  readonly length: number;
}

/**
 * Makes new files from old ones: the exact inverse of `matchElf`. The memory of small files is used
 * again for the next ones, for that of a fresh kernel costs more than many a file.
 */
export class ElfRestorer {
  #kernel: ElfKernel | null = null;
  #old: OldFile | null = null;

  /**
   * Where the next old file goes: memory of the kernel, for another copy of a large file would cost
   * as much as what is made of it. It is gone with `restore`. `delta-damaged` when it is too large.
   */
  openOld(length: number): Buffer {
    if (length > LIMITS.elfBytes) throw tooLarge();
    const kernel = this.#kernel ?? new ElfKernel();
    // After a trap, or a file that could not be read, nobody knows what state it is in.
    this.#kernel = null;
    const at = guarded(() => kernel.allocate(length));
    this.#old = { kernel, at, length };
    return Buffer.from(kernel.call.memory.buffer, at, length);
  }

  /**
   * Turns `bytes`, the residual of the new file, into the file, from what was put where `openOld`
   * said. Whatever does not fit together, and memory that does not suffice, is `delta-damaged`.
   */
  restore(tables: PairTables, matches: Matches, bytes: Uint8Array): void {
    const old = this.#old;
    if (old === null) throw new Error('no old file was opened');
    this.#old = null;
    if (bytes.length > LIMITS.elfBytes) throw tooLarge();
    expectWithin(matches, old.length, bytes.length);
    guarded(() => {
      predictInPlace(old, tables, matches, bytes);
    });
    if (old.kernel.memoryBytes > KEPT_BYTES) return;
    old.kernel.call.forget();
    this.#kernel = old.kernel;
  }
}

function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new DebshoalError('delta-damaged', 'an ELF file cannot be restored', { cause });
  }
}

function tooLarge(): DebshoalError {
  return new DebshoalError('delta-damaged', 'too large for an ELF file');
}

function predictInPlace(
  { kernel, at: oldAddress, length: oldLength }: OldFile,
  { old, table, oldIndex }: PairTables,
  matches: Matches,
  bytes: Uint8Array,
): void {
  const address = kernel.put(bytes);
  const counterparts = invert(oldIndex, old.sections.length);
  const oldImage = kernel.openImage(oldAddress, oldLength, old, counterparts);
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
