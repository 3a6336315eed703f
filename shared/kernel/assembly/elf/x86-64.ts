/**
 * Lengths of x86-64 instructions and where their operands are. Only what 64-bit mode allows; rare
 * extensions that compilers do not emit (XOP, APX) count as invalid.
 */

const MODRM: u32 = 1;
const IMMEDIATE_8: u32 = 2;
/** Two bytes with the operand-size prefix, else four. */
const IMMEDIATE_Z: u32 = 4;
const RELATIVE_8: u32 = 8;
const RELATIVE_32: u32 = 16;
const INVALID: u32 = 32;
const PREFIX: u32 = 64;
/** Needs code of its own. */
const SPECIAL: u32 = 128;

const LONGEST: usize = 15;

/** What `decode` found; offsets from the start of the instruction. */
export let displacementAt: u32 = 0;
export let displacement: Displacement = Displacement.None;
export let immediateAt: u32 = 0;
export let immediateBytes: u32 = 0;

export const enum Displacement {
  None,
  /** Relative to the next instruction: data, four bytes. */
  Data,
  /** Jumps and calls, four bytes. */
  Jump,
  ShortJump,
  /** An address or a plain number, four bytes. */
  Number,
}

const oneByte = memory.data(256);
const twoByte = memory.data(256);
let ready = false;

function mark(table: usize, first: u32, last: u32, shape: u32): void {
  for (let opcode = first; opcode <= last; opcode++) store<u8>(table + opcode, <u8>shape);
}

export function prepareTables(): void {
  if (ready) return;
  ready = true;
  // Arithmetic: four forms with ModRM, two with an immediate, two that 64-bit mode lost.
  for (let row: u32 = 0; row < 0x40; row += 8) {
    mark(oneByte, row, row + 3, MODRM);
    mark(oneByte, row + 4, row + 4, IMMEDIATE_8);
    mark(oneByte, row + 5, row + 5, IMMEDIATE_Z);
    mark(oneByte, row + 6, row + 7, INVALID);
  }
  mark(oneByte, 0x0f, 0x0f, SPECIAL);
  for (let segment: u32 = 0x26; segment <= 0x3e; segment += 8) {
    mark(oneByte, segment, segment, PREFIX);
  }
  mark(oneByte, 0x60, 0x62, INVALID);
  mark(oneByte, 0x62, 0x62, SPECIAL);
  mark(oneByte, 0x63, 0x63, MODRM);
  mark(oneByte, 0x64, 0x67, PREFIX);
  mark(oneByte, 0x68, 0x68, IMMEDIATE_Z);
  mark(oneByte, 0x69, 0x69, MODRM | IMMEDIATE_Z);
  mark(oneByte, 0x6a, 0x6a, IMMEDIATE_8);
  mark(oneByte, 0x6b, 0x6b, MODRM | IMMEDIATE_8);
  mark(oneByte, 0x70, 0x7f, RELATIVE_8);
  mark(oneByte, 0x80, 0x83, MODRM | IMMEDIATE_8);
  mark(oneByte, 0x81, 0x81, MODRM | IMMEDIATE_Z);
  mark(oneByte, 0x82, 0x82, INVALID);
  mark(oneByte, 0x84, 0x8f, MODRM);
  mark(oneByte, 0x9a, 0x9a, INVALID);
  mark(oneByte, 0xa0, 0xa3, SPECIAL);
  mark(oneByte, 0xa8, 0xa8, IMMEDIATE_8);
  mark(oneByte, 0xa9, 0xa9, IMMEDIATE_Z);
  mark(oneByte, 0xb0, 0xb7, IMMEDIATE_8);
  mark(oneByte, 0xb8, 0xbf, SPECIAL);
  mark(oneByte, 0xc0, 0xc1, MODRM | IMMEDIATE_8);
  mark(oneByte, 0xc2, 0xc2, SPECIAL);
  mark(oneByte, 0xc4, 0xc5, SPECIAL);
  mark(oneByte, 0xc6, 0xc6, MODRM | IMMEDIATE_8);
  mark(oneByte, 0xc7, 0xc7, MODRM | IMMEDIATE_Z);
  mark(oneByte, 0xc8, 0xc8, SPECIAL);
  mark(oneByte, 0xca, 0xca, SPECIAL);
  mark(oneByte, 0xcd, 0xcd, IMMEDIATE_8);
  mark(oneByte, 0xce, 0xce, INVALID);
  mark(oneByte, 0xd0, 0xd3, MODRM);
  mark(oneByte, 0xd4, 0xd6, INVALID);
  mark(oneByte, 0xd8, 0xdf, MODRM);
  mark(oneByte, 0xe0, 0xe3, RELATIVE_8);
  mark(oneByte, 0xe4, 0xe7, IMMEDIATE_8);
  mark(oneByte, 0xe8, 0xe9, RELATIVE_32);
  mark(oneByte, 0xea, 0xea, INVALID);
  mark(oneByte, 0xeb, 0xeb, RELATIVE_8);
  mark(oneByte, 0xf0, 0xf0, PREFIX);
  mark(oneByte, 0xf2, 0xf3, PREFIX);
  mark(oneByte, 0xf6, 0xf7, SPECIAL);
  mark(oneByte, 0xfe, 0xff, MODRM);

  mark(twoByte, 0x00, 0xff, MODRM);
  mark(twoByte, 0x04, 0x04, INVALID);
  mark(twoByte, 0x05, 0x09, 0);
  mark(twoByte, 0x0a, 0x0a, INVALID);
  mark(twoByte, 0x0b, 0x0b, 0);
  mark(twoByte, 0x0c, 0x0c, INVALID);
  mark(twoByte, 0x0e, 0x0e, 0);
  mark(twoByte, 0x0f, 0x0f, MODRM | IMMEDIATE_8);
  mark(twoByte, 0x24, 0x27, INVALID);
  mark(twoByte, 0x30, 0x37, 0);
  mark(twoByte, 0x39, 0x39, INVALID);
  mark(twoByte, 0x3b, 0x3f, INVALID);
  mark(twoByte, 0x70, 0x73, MODRM | IMMEDIATE_8);
  mark(twoByte, 0x77, 0x77, 0);
  mark(twoByte, 0x80, 0x8f, RELATIVE_32);
  mark(twoByte, 0xa0, 0xa2, 0);
  mark(twoByte, 0xa4, 0xa4, MODRM | IMMEDIATE_8);
  mark(twoByte, 0xa8, 0xaa, 0);
  mark(twoByte, 0xac, 0xac, MODRM | IMMEDIATE_8);
  mark(twoByte, 0xba, 0xba, MODRM | IMMEDIATE_8);
  mark(twoByte, 0xc2, 0xc2, MODRM | IMMEDIATE_8);
  mark(twoByte, 0xc4, 0xc6, MODRM | IMMEDIATE_8);
  mark(twoByte, 0xc8, 0xcf, 0);
}

/** Length of the instruction at `start`, 0 when it is none or passes `end`. Sets the operands. */
export function decode(start: usize, end: usize): u32 {
  // Past the longest instruction there is nothing to find: two bounds become one.
  const limit = end - start > LONGEST ? start + LONGEST : end;
  displacement = Displacement.None;
  immediateBytes = 0;
  if (start >= limit) return 0;
  let at = start;
  let opcode = <u32>load<u8>(at);
  let shape = <u32>load<u8>(oneByte + opcode);
  let shortOperand = false;
  while (shape & PREFIX) {
    if (opcode == 0x66) shortOperand = true;
    if (++at >= limit) return 0;
    opcode = load<u8>(at);
    shape = load<u8>(oneByte + opcode);
  }
  let wide = false;
  if ((opcode & 0xf0) == 0x40) {
    wide = (opcode & 8) != 0;
    if (++at >= limit) return 0;
    opcode = load<u8>(at);
    shape = load<u8>(oneByte + opcode);
    if (shape & PREFIX) return 0;
  }
  at++;

  let immediate: u32 = 0;
  if (shape & SPECIAL) {
    if (opcode == 0x0f) {
      if (at >= limit) return 0;
      opcode = load<u8>(at++);
      if (opcode == 0x38 || opcode == 0x3a) {
        shape = opcode == 0x3a ? MODRM | IMMEDIATE_8 : MODRM;
        at++;
      } else {
        shape = load<u8>(twoByte + opcode);
      }
    } else if (opcode == 0xc4 || opcode == 0xc5 || opcode == 0x62) {
      const prefixBytes: usize = opcode == 0xc5 ? 1 : opcode == 0xc4 ? 2 : 3;
      if (at + prefixBytes >= limit) return 0;
      const map: u32 = opcode == 0xc5 ? 1 : (<u32>load<u8>(at)) & (opcode == 0xc4 ? 31 : 7);
      opcode = load<u8>(at + prefixBytes);
      at += prefixBytes + 1;
      if (map < 1 || map > 6) return 0;
      if (map == 1) {
        shape = load<u8>(twoByte + opcode);
        // Mask moves and permutations live where jumps and others are without the prefix.
        if (shape & (RELATIVE_32 | INVALID)) shape = MODRM;
      } else {
        shape = map == 3 ? MODRM | IMMEDIATE_8 : MODRM;
      }
    } else if (opcode >= 0xf6) {
      if (at >= limit) return 0;
      const isTest = (load<u8>(at) & 0x38) < 0x10;
      shape = !isTest ? MODRM : opcode == 0xf6 ? MODRM | IMMEDIATE_8 : MODRM | IMMEDIATE_Z;
    } else {
      shape = 0;
      if (opcode <= 0xa3) immediate = 8;
      else if (opcode <= 0xbf) immediate = wide ? 8 : shortOperand ? 2 : 4;
      else immediate = opcode == 0xc8 ? 3 : 2;
    }
  }
  if (shape & INVALID) return 0;

  if (shape & MODRM) {
    if (at >= limit) return 0;
    const modrm = <u32>load<u8>(at++);
    const mode = modrm >> 6;
    if (mode != 3) {
      let register = modrm & 7;
      let indexed = false;
      if (register == 4) {
        if (at >= limit) return 0;
        register = load<u8>(at++) & 7;
        indexed = true;
      }
      if (mode == 1) {
        at++;
      } else if (mode == 2 || register == 5) {
        displacementAt = <u32>(at - start);
        displacement = mode == 0 && !indexed ? Displacement.Data : Displacement.Number;
        at += 4;
      }
    }
  } else if (shape & RELATIVE_8) {
    displacementAt = <u32>(at - start);
    displacement = Displacement.ShortJump;
    at++;
  } else if (shape & RELATIVE_32) {
    displacementAt = <u32>(at - start);
    displacement = Displacement.Jump;
    at += 4;
  }
  if (shape & IMMEDIATE_8) immediate = 1;
  else if (shape & IMMEDIATE_Z) immediate = shortOperand ? 2 : 4;
  if (immediate) {
    immediateAt = <u32>(at - start);
    immediateBytes = immediate;
    at += immediate;
  }
  return at > limit ? 0 : <u32>(at - start);
}
