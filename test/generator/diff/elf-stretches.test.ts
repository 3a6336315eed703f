import { describe, expect, it } from 'vitest';

import { findElfStretches } from '../../../generator/diff/elf-stretches.js';
import { makeAr } from '../../support/tiny-deb.js';

const elf = Buffer.concat([Buffer.from('\x7fELF', 'latin1'), Buffer.alloc(96)]);

describe('ELF stretches', () => {
  it('are whole files', () => {
    expect(findElfStretches(elf)).toEqual([{ name: '', at: 0, length: 100 }]);
    expect(findElfStretches(Buffer.from('#!/bin/sh\n'))).toEqual([]);
    expect(findElfStretches(Buffer.alloc(0))).toEqual([]);
  });

  it('are the members of static libraries', async () => {
    const library = await Promise.resolve(
      makeAr([
        { name: '/', content: Buffer.alloc(9) },
        { name: 'a.o/', content: elf },
        { name: 'b.o/', content: Buffer.concat([elf, Buffer.alloc(1)]) },
      ]),
    );
    const found = findElfStretches(library);
    expect(found.map(({ length }) => length)).toEqual([100, 101]);
    for (const { at } of found) expect(library.toString('latin1', at, at + 4)).toBe('\x7fELF');
  });

  it('end where a library is cut off or lies', async () => {
    const library = await Promise.resolve(makeAr([{ name: 'a.o/', content: elf }]));
    expect(findElfStretches(library.subarray(0, 120))).toEqual([]);
    const lying = Buffer.from(library);
    lying.write('9999999999', 8 + 48, 'latin1');
    expect(findElfStretches(lying)).toEqual([]);
    lying.write('-5        ', 8 + 48, 'latin1');
    expect(findElfStretches(lying)).toEqual([]);
  });
});
