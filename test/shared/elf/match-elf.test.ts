import { describe, expect, it } from 'vitest';

import { matchElf } from '../../../shared/elf/match-elf.js';
import { findMatches } from '../../../shared/kernel/find-matches.js';
import { AARCH64, makeElf, X86_64 } from '../../support/elf-builder.js';
import { elfPair, expectExact, hitRate, wrongBytes } from '../../support/elf-pair.js';
import { MACHINES, makeProgram } from '../../support/made-program.js';

// A wrong prediction costs bytes, never correctness: only hit rates show that it broke.
describe('real upgrades', () => {
  it('openssl: nearly all references of each kind are predicted', async () => {
    const delta = expectExact(...(await elfPair('openssl', 'usr/bin/openssl')));
    expect(hitRate(delta)).toBeGreaterThan(0.99);
    for (const [kind, { hits, misses }] of Object.entries(delta.statistics)) {
      if (hits + misses > 1000) expect([kind, hitRate(delta, kind) > 0.98]).toEqual([kind, true]);
    }
    expect(wrongBytes(delta)).toBeLessThan(delta.residual.length / 100);
  });

  it('pspell.so and annotate come back exactly', async () => {
    const pspell = await elfPair('php8.2-pspell', 'usr/lib/php/20220829/pspell.so');
    expect(hitRate(expectExact(...pspell))).toBeGreaterThan(0.99);
    expectExact(...(await elfPair('libgd-tools', 'usr/bin/annotate')));
  });
});

describe.each(Object.entries(MACHINES))('made programs for %s', (_, machine) => {
  const before = Array.from({ length: 60 }, (_, index) => 8 + (index % 5));
  const old = makeProgram(machine, before);

  it('an unchanged program leaves nothing', () => {
    const delta = expectExact(old, old);
    expect(hitRate(delta)).toBe(1);
    expect(wrongBytes(delta)).toBe(0);
  });

  it('functions that grow move all others, and nothing but them is sent', () => {
    const grown = before.map((count, index) => (index % 20 === 7 ? count + 6 : count));
    const delta = expectExact(old, makeProgram(machine, grown));
    const code = machine === X86_64 ? ['relative32'] : ['branch26', 'page21', 'pageOffset12'];
    for (const kind of [...code, 'relative32', 'absolute64', 'fromBase32', 'back32']) {
      expect([kind, hitRate(delta, kind) > 0.9]).toEqual([kind, true]);
    }
    expect(wrongBytes(delta)).toBeLessThan(300);
  });

  it('functions that are gone do not disturb the others', () => {
    const fewer = before.filter((_, index) => index !== 11 && index !== 40);
    expectExact(old, makeProgram(machine, fewer));
    expectExact(makeProgram(machine, fewer), old);
  });
});

describe('what is no pair of ELF files', () => {
  const program = makeProgram(X86_64, [3, 4, 5]);

  it.each([
    [
      'text',
      Buffer.from('no ELF at all, but long enough for the header of one, or is it not yet?'),
    ],
    ['nothing', Buffer.alloc(0)],
    ['another machine', makeProgram(AARCH64, [3, 4, 5])],
    ['32 bits', Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 1]), Buffer.alloc(200)])],
    ['a cut file', program.subarray(0, program.length - 10)],
    ['a section beyond the file', withWord(program, 64 + 24, 2n ** 63n)],
    ['a section larger than all memory', withWord(program, 64 + 32, 2n ** 64n - 1n)],
    ['no section table', withHeaderWord(program, 40, 0n)],
  ])('%s is left to other ways of matching', (_, other) => {
    expect(matchElf(other, program, findMatches)).toBeNull();
    expect(matchElf(program, other, findMatches)).toBeNull();
  });
});

describe('object files', () => {
  /** Code for two functions, relocated by symbols and by sections. */
  function objectFile(extra: number, first: string): Buffer {
    const code = Buffer.alloc(64 + extra, 0x90);
    const names = Buffer.from(`\0${first}\0second\0third\0`);
    const symbol = (name: number, info: number, section: number, value: number, size: number) => {
      const row = Buffer.alloc(24);
      row.writeUInt32LE(name, 0);
      row.writeUInt8(info, 4);
      row.writeUInt16LE(section, 6);
      row.writeUInt32LE(value, 8);
      row.writeUInt32LE(size, 16);
      return row;
    };
    const rela = (offset: number, type: number, number: number, addend: number) => {
      const row = Buffer.alloc(24);
      row.writeUInt32LE(offset, 0);
      row.writeUInt32LE(type, 8);
      row.writeUInt32LE(number, 12);
      row.writeBigInt64LE(BigInt(addend), 16);
      return row;
    };
    const symbols = Buffer.concat([
      Buffer.alloc(24),
      symbol(0, 3, 1, 0, 0),
      symbol(1, 0x12, 1, 0, 32 + extra),
      symbol(2 + first.length, 0x12, 1, 32 + extra, 32),
    ]);
    const relocations = Buffer.concat([
      rela(8, 2, 1, 28 + extra),
      rela(16, 4, 3, -4),
      rela(40 + extra, 4, 2, -4),
    ]);
    return makeElf(X86_64, 1, [
      { name: '.text', content: code, flags: 6 },
      { name: '.rela.text', content: relocations, type: 4, link: 3, info: 1, entrySize: 24 },
      { name: '.symtab', content: symbols, type: 2, link: 4, info: 2, entrySize: 24 },
      { name: '.strtab', content: names, type: 3 },
    ]);
  }

  it('symbols and relocations follow their sections', () => {
    const delta = expectExact(objectFile(0, 'first'), objectFile(16, 'first_of_all'));
    expect(hitRate(delta, 'sectionOffset', 'sectionSize')).toBe(1);
    expect(hitRate(delta, 'fromBase32')).toBeGreaterThan(0.7);
  });
});

function withHeaderWord(file: Buffer, at: number, value: bigint): Buffer {
  const copy = Buffer.from(file);
  copy.writeBigUInt64LE(value, at);
  return copy;
}

/** With a word of the section table changed. */
function withWord(file: Buffer, at: number, value: bigint): Buffer {
  return withHeaderWord(file, Number(file.readBigUInt64LE(40)) + at, value);
}
