import { describe, expect, it } from 'vitest';

import { ElfKernel } from '../../../shared/elf/kernel.js';
import { readSectionTable } from '../../../shared/elf/section-table.js';
import { X86_64 } from '../../support/elf-builder.js';
import { makeProgram } from '../../support/made-program.js';

/** A program of some megabytes, for memory grows by pages. */
const PROGRAM = makeProgram(
  X86_64,
  Array.from({ length: 20_000 }, (_, index) => 20 + (index % 7)),
);

describe('the memory of the kernel', () => {
  it('keeps of each step only its result: browsers have hardly enough', () => {
    const kernel = new ElfKernel();
    const bytes = kernel.put(PROGRAM);
    const table = readSectionTable(PROGRAM);
    if (table === null) throw new Error('makeProgram makes ELF files');
    const counterparts = Int32Array.from(table.sections, (_, index) => index);
    const image = kernel.openImage(bytes, PROGRAM.length, table, counterparts);
    const empty = kernel.allocate(0);
    const references = kernel.call.findReferences(image);
    const count = kernel.call.referenceCount(references);
    expect(count).toBeGreaterThan(20_000);
    // Rows of 16 bytes, and a bit and half a bit for each position of the file.
    const found = kernel.allocate(0) - empty;
    expect(found).toBeLessThan(16 * count + PROGRAM.length / 4 + 1000);

    const copy = kernel.allocate(PROGRAM.length);
    const whole = Uint32Array.of(PROGRAM.length);
    const none = Uint32Array.of(0);
    const matches = kernel.putMatches({ newAt: none, oldAt: none, length: whole });
    const before = kernel.allocate(0);
    kernel.call.labelAlone(image, references, copy);
    kernel.call.label(image, image, references, references, matches, copy, copy);
    kernel.call.predict(image, image, references, matches, bytes, copy, PROGRAM.length);
    expect(kernel.allocate(0)).toBe(before);
    expect(kernel.view(copy, PROGRAM.length).every((byte) => byte === 0)).toBe(true);
  });
});
