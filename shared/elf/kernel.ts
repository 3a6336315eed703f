import type { Matches } from '../delta/matches.js';
import { instantiate } from '../kernel/instantiate.js';
import { loadedRange, placeOf, type Span, spansOfOffsets, spansOfPlaces } from './places.js';
import type { SectionTable } from './section-table.js';

/** Addresses in the kernel's memory; a type each, so that they are not mixed up. */
export type Address = number & { readonly of?: 'bytes' };
export type ImageAddress = number & { readonly of?: 'image' };
type ReferencesAddress = number & { readonly of?: 'references' };
export type MatchesAddress = number & { readonly of?: 'matches' };

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  allocate(length: number): Address;
  forget(): void;
  openImage(
    bytes: Address,
    length: number,
    type: number,
    machine: number,
    sectionTable: bigint,
    sections: Address,
    sectionCount: number,
    places: Address,
    placeCount: number,
    offsets: Address,
    offsetCount: number,
    positions: number,
    lowest: bigint,
    highest: bigint,
    firstOfRole: Address,
  ): ImageAddress;
  findReferences(image: ImageAddress): ReferencesAddress;
  referenceCount(references: ReferencesAddress): number;
  openMatches(newAt: Address, oldAt: Address, length: Address, count: number): MatchesAddress;
  predict(
    old: ImageAddress,
    next: ImageAddress,
    references: ReferencesAddress,
    matches: MatchesAddress,
    actual: Address,
    residual: Address,
    newLength: number,
  ): void;
  label(
    old: ImageAddress,
    next: ImageAddress,
    oldReferences: ReferencesAddress,
    newReferences: ReferencesAddress,
    matches: MatchesAddress,
    oldCopy: Address,
    newCopy: Address,
  ): void;
  labelAlone(image: ImageAddress, references: ReferencesAddress, copy: Address): void;
  instructionLength(start: Address, end: Address): number;
  hitCounters(): Address;
  missCounters(): Address;
}

/** What the finder does with a section, by name; the order is that of Role in assembly/elf/image.ts. */
const ROLES = [
  '',
  '.plt',
  '.plt.sec',
  '.got',
  '.got.plt',
  '.rela.plt',
  '.rela.dyn',
  '.dynsym',
  '.dynstr',
  '.eh_frame',
  '.eh_frame_hdr',
  '.gopclntab',
  '.typelink',
  '.go.module',
  '.noptrdata',
  '.data',
  '.data.rel.ro',
  '.rodata',
  '.text',
  '.interp',
  '.init_array',
  '.fini_array',
  '.gnu_debuglink',
  '.note.gnu.build-id',
];
const ROLE_OF = new Map(ROLES.map((name, role) => [name, role]));

const SECTION_BYTES = 72;
const SPAN_BYTES = 24;

/** An instance for one pair of files, or for several one after the other, with `forget` between. */
export class ElfKernel {
  readonly call: Exports;

  constructor() {
    this.call = instantiate('elf').exports as unknown as Exports;
  }

  get memoryBytes(): number {
    return this.call.memory.buffer.byteLength;
  }

  /** `length` bytes at `address`; becomes stale with the next call that allocates. */
  view(address: Address, length: number): Uint8Array {
    return new Uint8Array(this.call.memory.buffer, address >>> 0, length);
  }

  /** Addresses arrive as signed numbers; beyond 2 GiB that matters. */
  allocate(length: number): Address {
    return this.call.allocate(length) >>> 0;
  }

  put(bytes: Uint8Array): Address {
    const address = this.allocate(bytes.length);
    this.view(address, bytes.length).set(bytes);
    return address;
  }

  putMatches(matches: Matches): MatchesAddress {
    const [newAt, oldAt, length] = [matches.newAt, matches.oldAt, matches.length].map((column) =>
      this.put(new Uint8Array(column.buffer, column.byteOffset, column.byteLength)),
    ) as [Address, Address, Address];
    return this.call.openMatches(newAt, oldAt, length, matches.newAt.length);
  }

  /** `counterparts`: for each section the same one in the other file, or -1. */
  openImage(
    bytes: Address,
    length: number,
    table: SectionTable,
    counterparts: Int32Array,
  ): ImageAddress {
    const sections = new DataView(new ArrayBuffer(table.sections.length * SECTION_BYTES));
    const firstOfRole = new Int32Array(ROLES.length).fill(-1);
    table.sections.forEach((section, index) => {
      const role = ROLE_OF.get(section.name) ?? 0;
      if (firstOfRole[role] === -1) firstOfRole[role] = index;
      const row = index * SECTION_BYTES;
      sections.setInt32(row, role, true);
      sections.setUint32(row + 4, section.type, true);
      sections.setBigUint64(row + 8, section.flags, true);
      sections.setBigUint64(row + 16, placeOf(table, section, index), true);
      sections.setBigUint64(row + 24, section.address, true);
      sections.setBigUint64(row + 32, section.offset, true);
      sections.setBigUint64(row + 40, section.size, true);
      sections.setUint32(row + 48, section.link, true);
      sections.setUint32(row + 52, section.info, true);
      sections.setBigUint64(row + 56, section.entrySize, true);
      sections.setInt32(row + 64, counterparts[index] ?? -1, true);
    });
    const places = spansOfPlaces(table, length);
    const offsets = spansOfOffsets(table);
    const last = places.at(-1);
    const positions = last === undefined ? 0 : last.position + Number(last.reach) + 1;
    const { lowest, highest } = loadedRange(table);
    return this.call.openImage(
      bytes,
      length,
      table.fileType,
      table.machine,
      table.tableOffset,
      this.put(new Uint8Array(sections.buffer)),
      table.sections.length,
      this.#putSpans(places),
      places.length,
      this.#putSpans(offsets),
      offsets.length,
      positions,
      lowest,
      highest,
      this.put(new Uint8Array(firstOfRole.buffer)),
    );
  }

  #putSpans(spans: readonly Span[]): Address {
    // One row at least: the kernel looks at the most recent one first.
    const rows = new DataView(new ArrayBuffer((spans.length + 1) * SPAN_BYTES));
    spans.forEach((span, index) => {
      const row = index * SPAN_BYTES;
      rows.setBigUint64(row, span.start, true);
      rows.setBigUint64(row + 8, span.reach, true);
      rows.setUint32(row + 16, span.section, true);
      rows.setUint32(row + 20, span.position, true);
    });
    return this.put(new Uint8Array(rows.buffer));
  }
}
