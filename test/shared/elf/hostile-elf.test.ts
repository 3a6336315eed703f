import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Matches } from '../../../shared/delta/matches.js';
import { classifyElf } from '../../../shared/elf/classify-elf.js';
import { readPairTables } from '../../../shared/elf/layout.js';
import { matchElf } from '../../../shared/elf/match-elf.js';
import { isDebshoalError } from '../../../shared/errors.js';
import { findMatches } from '../../../shared/kernel/find-matches.js';
import { makeElf, X86_64 } from '../../support/elf-builder.js';
import { expectExact, restoreElf } from '../../support/elf-pair.js';
import { MACHINES, makeProgram } from '../../support/made-program.js';

/** Some bytes, or `delta-damaged`: anything else fails. */
function restoreAnything(
  oldBytes: Uint8Array,
  layout: Uint8Array,
  matches: Matches,
  residual: Uint8Array,
): void {
  try {
    expect(restoreElf(oldBytes, layout, matches, residual)).toHaveLength(residual.length);
  } catch (error) {
    if (!isDebshoalError(error, 'delta-damaged')) throw error;
    // A trap is an error of ours: memory that does not suffice is the one reason for it.
    expect(error.cause).toBeUndefined();
  }
}

/** Changes of single bytes, most of them in the section table and in the headers. */
const mutations = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean()), {
  maxLength: 12,
});

function mutate(file: Buffer, changes: readonly (readonly [number, number, boolean])[]): Buffer {
  const copy = Buffer.from(file);
  const table = Number(file.readBigUInt64LE(40));
  for (const [where, value, inTable] of changes) {
    const from = inTable ? table : 64;
    copy[from + (where % (file.length - from))] = value;
  }
  return copy;
}

describe.each(Object.entries(MACHINES))('for %s', (_, machine) => {
  const old = makeProgram(machine, [3, 9, 4, 6, 8, 2, 7, 5]);
  const next = makeProgram(machine, [3, 9, 5, 6, 8, 2, 7, 5, 4]);

  it('any two damaged files: exact when they are still matched as ELF', () => {
    fc.assert(
      fc.property(mutations, mutations, (inOld, inNew) => {
        const [one, other] = [mutate(old, inOld), mutate(next, inNew)];
        if (matchElf(one, other, findMatches) !== null) expectExact(one, other);
      }),
      { numRuns: 60 },
    );
  });

  it('any layout, old file, matches and residual: bytes or an error', () => {
    const delta = matchElf(old, next, findMatches);
    if (delta === null) throw new Error('no ELF files');
    fc.assert(
      fc.property(
        mutations,
        fc.array(fc.tuple(fc.nat(delta.layout.length - 1), fc.integer({ min: 0, max: 255 })), {
          maxLength: 4,
        }),
        fc.uint8Array({ minLength: next.length, maxLength: next.length }),
        fc.array(fc.tuple(fc.nat(60), fc.nat(old.length), fc.nat(400)), { maxLength: 20 }),
        fc.boolean(),
        (inOld, inLayout, residual, rows, own) => {
          const layout = Buffer.from(delta.layout);
          for (const [at, value] of inLayout) layout[at] = value;
          const matches = own ? delta.matches : columnsOf(rows);
          restoreAnything(mutate(old, inOld), layout, matches, residual);
        },
      ),
      { numRuns: 150 },
    );
  });
});

function columnsOf(rows: readonly (readonly [number, number, number])[]): Matches {
  let at = 0;
  const starts = rows.map(([gap, , length]) => {
    const start = at + gap;
    at = start + length;
    return start;
  });
  return {
    newAt: Uint32Array.from(starts),
    oldAt: Uint32Array.from(rows, ([, oldAt]) => oldAt),
    length: Uint32Array.from(rows, ([, , length]) => length),
  };
}

describe('refused', () => {
  const old = makeProgram(X86_64, [3, 9, 4]);
  const delta = expectExact(old, old);
  const restore = (matches: Matches, layout: Uint8Array = delta.layout, from = old) => {
    try {
      restoreElf(from, layout, matches, delta.residual);
    } catch (error) {
      return isDebshoalError(error) ? error.code : error;
    }
    return 'restored';
  };

  it.each([
    ['a match past the old file', [0, old.length - 1, 2]],
    ['a match past the new file', [old.length - 1, 0, 2]],
    ['a match whose end passes 32 bits', [0, 0xffff_ffff, 0xffff_ffff]],
  ])('%s', (_, row) => {
    const column = (index: number) => Uint32Array.of(row[index] ?? 0);
    const matches = { newAt: column(0), oldAt: column(1), length: column(2) };
    expect(restore(matches)).toBe('delta-damaged');
  });

  it('matches that overlap, columns of different lengths', () => {
    const length = Uint32Array.of(5, 5);
    const oldAt = Uint32Array.of(0, 0);
    expect(restore({ newAt: Uint32Array.of(0, 4), oldAt, length })).toBe('delta-damaged');
    expect(restore({ newAt: Uint32Array.of(0), oldAt, length })).toBe('delta-damaged');
  });

  it('an old file that is none, a layout that is cut, too long, or names sections out of range', () => {
    expect(restore(delta.matches, delta.layout, Buffer.alloc(9))).toBe('delta-damaged');
    for (let length = 0; length < delta.layout.length; length++) {
      expect(restore(delta.matches, delta.layout.subarray(0, length))).toBe('delta-damaged');
    }
    expect(restore(delta.matches, Buffer.concat([delta.layout, Buffer.alloc(1)]))).toBe(
      'delta-damaged',
    );
    expect(restore(delta.matches, Buffer.from([3, 1, 0, 0xff, 0x7f]))).toBe('delta-damaged');
  });

  it('the classes of a file that the layout does not fit', () => {
    const { table } = readPairTables(old, delta.layout, old.length);
    expect(classifyElf(table, old.length).ends.at(-1)).toBe(old.length);
    expect(() => readPairTables(old, delta.layout, 100)).toThrow(
      expect.objectContaining({ code: 'delta-damaged' }),
    );
  });
});

describe('tables that lie', () => {
  const text = Buffer.alloc(4096, 0xe8);
  const word = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return bytes;
  };

  it('thousands of sections over the same bytes take no thousandfold time', () => {
    const sections = Array.from({ length: 3000 }, (_, index) => ({
      name: '.text',
      content: index === 0 ? text : Buffer.alloc(0),
      flags: 6,
      address: 0x1000 + index * 0x10_0000,
    }));
    const file = makeElf(X86_64, 3, sections);
    const table = Number(file.readBigUInt64LE(40));
    for (let index = 1; index <= sections.length; index++) {
      file.writeBigUInt64LE(0n, table + index * 64 + 24);
      file.writeBigUInt64LE(BigInt(file.length), table + index * 64 + 32);
    }
    expectExact(file, file);
  });

  it('unwind entries that name themselves or each other', () => {
    const frames = Buffer.alloc(64);
    for (let at = 0; at < 64; at += 16) {
      frames.writeUInt32LE(12, at);
      frames.writeInt32LE(at % 32 === 0 ? 4 : -12, at + 4);
    }
    const section = { name: '.eh_frame', content: frames, flags: 2, address: 0x1000 };
    const file = makeElf(X86_64, 3, [section]);
    expectExact(file, file);
  });

  it('a Go table with 2^60 functions', () => {
    const table = Buffer.concat([
      Buffer.from('f1ffffff00000108', 'hex'),
      word(2n ** 60n),
      word(1n),
      ...[0, 72, 80, 88, 96, 104].map((part) => word(BigInt(part))),
      Buffer.alloc(64),
    ]);
    const file = makeElf(X86_64, 3, [
      { name: '.text', content: text, flags: 6, address: 0x1000 },
      { name: '.gopclntab', content: table, flags: 2, address: 0x10_0000 },
    ]);
    expectExact(file, file);
  });

  it('sections at the end of the address space', () => {
    const file = makeElf(X86_64, 2, [
      { name: '.text', content: text, flags: 6, address: 0x1000 },
      { name: '.data', content: Buffer.alloc(64, 0xff), flags: 3, address: 0x2000 },
    ]);
    const table = Number(file.readBigUInt64LE(40));
    file.writeBigUInt64LE(2n ** 64n - 100n, table + 2 * 64 + 16);
    file.writeBigUInt64LE(2n ** 64n - 1n, table + 64 + 16);
    expectExact(file, file);
  });
});
