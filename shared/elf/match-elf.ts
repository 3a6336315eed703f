import type { Matches } from '../delta/matches.js';
import { DebshoalError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { type Address, ElfKernel } from './kernel.js';
import { decodeLayout, encodeLayout } from './layout.js';
import { invert } from './restore-elf.js';
import { readSectionTable, type SectionTable } from './section-table.js';

export interface ElfDelta {
  readonly matches: Matches;
  /** What the decoder must know of the new file: its section table, by differences. */
  readonly layout: Buffer;
  /** The new section table as the layout tells it to the decoder. */
  readonly table: SectionTable;
  /** As long as the new file: of matched bytes the error of the prediction, else the byte itself. */
  readonly residual: Uint8Array;
  /** How many references of each kind were predicted, by name of the kind. */
  readonly statistics: Readonly<Record<string, { readonly hits: number; readonly misses: number }>>;
}

export type FindMatches = (oldBytes: Uint8Array, newBytes: Uint8Array) => Matches;

/**
 * How often the files are labelled by the matches so far and matched again, after a first matching
 * with labels by content. A second time buys 0.3 to 1 % of size for a third more time; a first
 * matching of the bytes as they are costs as much as two labelled ones and gives larger deltas.
 */
const LABELLED_PASSES = 1;

/** In the order of Kind in assembly/elf/reference.ts. */
const KINDS = [
  'relative32',
  'relative8',
  'absolute64',
  'absolute32',
  'fromBase32',
  'fromBase64',
  'back32',
  'branch26',
  'branch19',
  'branch14',
  'page21',
  'pageOffset12',
  'sectionAddress',
  'sectionOffset',
  'sectionSize',
  'sectionEnd',
  'sectionSpan',
  'sectionTable',
];

/**
 * Matches two ELF files by what they refer to and predicts the references of the new one. Null when
 * one is no ELF that we know, when they are for different machines, or when they are larger than
 * LIMITS.elfBytes. Throws `limit-exceeded` when memory does not suffice, and what `findMatches` throws.
 */
export function matchElf(
  oldBytes: Uint8Array,
  newBytes: Uint8Array,
  findMatches: FindMatches,
): ElfDelta | null {
  const old = readSectionTable(oldBytes);
  const own = readSectionTable(newBytes);
  if (old === null || own?.machine !== old.machine) return null;
  if (Math.max(oldBytes.length, newBytes.length) > LIMITS.elfBytes) return null;
  const layout = encodeLayout(old, own);
  try {
    return matchTables(oldBytes, newBytes, old, own, layout, findMatches);
  } catch (cause) {
    if (!(cause instanceof WebAssembly.RuntimeError)) throw cause;
    const message = `ELF files of ${oldBytes.length} and ${newBytes.length} bytes need too much memory`;
    throw new DebshoalError('limit-exceeded', message, { cause });
  }
}

function matchTables(
  oldBytes: Uint8Array,
  newBytes: Uint8Array,
  old: SectionTable,
  own: SectionTable,
  layout: Buffer,
  findMatches: FindMatches,
): ElfDelta {
  // Prediction sees the new table as the decoder will.
  const { table, oldIndex } = decodeLayout(old, layout, newBytes.length);
  const kernel = new ElfKernel();
  const oldAddress = kernel.put(oldBytes);
  const newAddress = kernel.put(newBytes);
  const newIndex = invert(oldIndex, old.sections.length);
  const oldImage = kernel.openImage(oldAddress, oldBytes.length, old, newIndex);
  const ownImage = kernel.openImage(newAddress, newBytes.length, own, oldIndex);
  const newImage = kernel.openImage(newAddress, newBytes.length, table, oldIndex);
  const references = kernel.call.findReferences(oldImage);
  const ownReferences = kernel.call.findReferences(ownImage);

  const oldCopy = kernel.allocate(oldBytes.length);
  const newCopy = kernel.allocate(newBytes.length);
  const match = () =>
    findMatches(kernel.view(oldCopy, oldBytes.length), kernel.view(newCopy, newBytes.length));
  kernel.call.labelAlone(oldImage, references, oldCopy);
  kernel.call.labelAlone(ownImage, ownReferences, newCopy);
  let matches = match();
  for (let pass = 0; pass < LABELLED_PASSES; pass++) {
    const columns = kernel.putMatches(matches);
    kernel.call.label(oldImage, ownImage, references, ownReferences, columns, oldCopy, newCopy);
    matches = match();
  }

  // The copies are not needed any more: the residual takes the place of one.
  const columns = kernel.putMatches(matches);
  kernel.call.predict(
    oldImage,
    newImage,
    references,
    columns,
    newAddress,
    newCopy,
    newBytes.length,
  );
  const residual = kernel.view(newCopy, newBytes.length).slice();
  return { matches, layout, table, residual, statistics: statisticsOf(kernel) };
}

function statisticsOf(kernel: ElfKernel): ElfDelta['statistics'] {
  const counters = (address: Address) =>
    new Uint32Array(kernel.call.memory.buffer, address >>> 0, KINDS.length);
  const hits = counters(kernel.call.hitCounters());
  const misses = counters(kernel.call.missCounters());
  return Object.fromEntries(
    KINDS.map((kind, index) => [kind, { hits: hits[index] ?? 0, misses: misses[index] ?? 0 }]),
  );
}
