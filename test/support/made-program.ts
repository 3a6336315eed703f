import { AARCH64, type MadeSection, makeElf, X86_64 } from './elf-builder.js';

/** Functions of a made program: how many instructions each has besides its references. */
export type Program = readonly number[];

const TEXT = 0x1_0000;
const STRINGS = 0x9_0000;
const FRAMES = 0xb_0000;
const INDEX = 0xd_0000;
const POINTERS = 0xf_0000;
const LOADED = 2;
const CODE = 4;
const WRITABLE = 1;

interface Layout {
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
  readonly strings: readonly number[];
  readonly content: Buffer;
}

/**
 * A shared object in which function n calls another, uses a string of its own and has unwind
 * tables and a pointer; the n-th number says how long it is, and so moves all that follows.
 */
export function makeProgram(machine: number, program: Program): Buffer {
  const referenceBytes = machine === X86_64 ? 5 + 7 + 1 : 5 * 4;
  const fillerBytes = machine === X86_64 ? 5 : 4;
  const sizes = program.map((count) => referenceBytes + count * fillerBytes);
  const layout = { sizes, ...placeAll(program, sizes) };
  const text = Buffer.concat(
    program.map((count, index) =>
      machine === X86_64 ? x86Function(layout, index, count) : armFunction(layout, index, count),
    ),
  );
  const { frames, index } = unwindTables(layout);
  const pointers = Buffer.alloc(program.length * 8);
  layout.starts.forEach((start, slot) => pointers.writeBigUInt64LE(BigInt(start), slot * 8));
  const sections: MadeSection[] = [
    { name: '.text', content: text, flags: LOADED | CODE, address: TEXT },
    { name: '.rodata', content: layout.content, flags: LOADED, address: STRINGS },
    { name: '.eh_frame', content: frames, flags: LOADED, address: FRAMES },
    { name: '.eh_frame_hdr', content: index, flags: LOADED, address: INDEX },
    { name: '.got', content: pointers, flags: LOADED | WRITABLE, address: POINTERS },
  ];
  return makeElf(machine, 3, sections);
}

export const MACHINES = { 'x86-64': X86_64, aarch64: AARCH64 };

function placeAll(program: Program, sizes: readonly number[]) {
  let at = TEXT;
  const starts = sizes.map((size) => (at += size) - size);
  let string = STRINGS;
  const texts = program.map((count, index) => Buffer.from(`text ${index} of ${count}\0`));
  const strings = texts.map((text) => (string += text.length) - text.length);
  return { starts, strings, content: Buffer.concat(texts) };
}

/** The function that `index` calls: some forwards, some backwards. */
function called(layout: Layout, index: number): number {
  return layout.starts[(index * 7 + 3) % layout.starts.length] ?? 0;
}

function x86Function(layout: Layout, index: number, count: number): Buffer {
  const code = Buffer.alloc(layout.sizes[index] ?? 0);
  const start = layout.starts[index] ?? 0;
  let at = 0;
  for (let filler = 0; filler < count; filler++, at += 5) {
    code[at] = 0xb8; // mov $number, %eax
    code.writeUInt32LE(0x1000_0000 + index * 1000 + filler, at + 1);
  }
  code.set([0x48, 0x8d, 0x05], at); // lea string(%rip), %rax
  code.writeInt32LE((layout.strings[index] ?? 0) - (start + at + 7), at + 3);
  at += 7;
  code[at] = 0xe8; // call
  code.writeInt32LE(called(layout, index) - (start + at + 5), at + 1);
  code[at + 5] = 0xc3;
  return code;
}

function armFunction(layout: Layout, index: number, count: number): Buffer {
  const start = layout.starts[index] ?? 0;
  const string = layout.strings[index] ?? 0;
  const words: number[] = [];
  for (let filler = 0; filler < count; filler++) {
    words.push(0x5280_0000 | (((index * 37 + filler) & 0xffff) << 5)); // movz w0, #number
  }
  const site = () => start + words.length * 4;
  const pages = (string >> 12) - (site() >> 12);
  words.push(0x9000_0001 | ((pages & 3) << 29) | (((pages >> 2) & 0x7_ffff) << 5)); // adrp x1
  words.push(0x9100_0021 | ((string & 0xfff) << 10)); // add x1, x1, #low
  words.push(0x5400_0000 | ((((start - site()) >> 2) & 0x7_ffff) << 5)); // b.eq start
  words.push(0x9400_0000 | (((called(layout, index) - site()) >> 2) & 0x3ff_ffff)); // bl
  words.push(0xd65f_03c0); // ret
  const code = Buffer.alloc(words.length * 4);
  words.forEach((word, slot) => code.writeUInt32LE(word >>> 0, slot * 4));
  return code;
}

/** One common entry and a description for each function, and their sorted index. */
function unwindTables(layout: Layout): { frames: Buffer; index: Buffer } {
  const common = Buffer.from('1400000000000000017a5200017810011b0c070890010000', 'hex');
  const frames = [common];
  const index = Buffer.alloc(12 + layout.starts.length * 8);
  index.set([1, 0x1b, 3, 0x3b]);
  index.writeInt32LE(FRAMES - (INDEX + 4), 4);
  index.writeUInt32LE(layout.starts.length, 8);
  let at = common.length;
  layout.starts.forEach((start, slot) => {
    const entry = Buffer.alloc(24);
    entry.writeUInt32LE(20, 0);
    entry.writeUInt32LE(at + 4, 4);
    entry.writeInt32LE(start - (FRAMES + at + 8), 8);
    entry.writeUInt32LE(layout.sizes[slot] ?? 0, 12);
    index.writeInt32LE(start - INDEX, 12 + slot * 8);
    index.writeInt32LE(FRAMES + at - INDEX, 16 + slot * 8);
    frames.push(entry);
    at += entry.length;
  });
  return { frames: Buffer.concat(frames), index };
}
