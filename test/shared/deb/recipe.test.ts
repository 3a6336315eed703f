import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  decodeRecipe,
  describeRecipe,
  encodeRecipe,
  encoderMemory,
} from '../../../shared/deb/recipe.js';
import { ByteReader, ByteWriter } from '../../../shared/io/byte-codec.js';
import { anyRecipe } from '../../support/any-delta.js';
import { errorCode } from '../../support/error-code.js';

describe('the recipe codec', () => {
  it('reads what it wrote', () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const out = new ByteWriter();
        encodeRecipe(recipe, out);
        const input = new ByteReader(out.finish());
        expect(decodeRecipe(input)).toEqual(recipe);
        input.expectEnd();
        expect(describeRecipe(recipe)).not.toBe('');
        expect(encoderMemory(recipe)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('refuses everything else with a code', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 30 }), async (bytes) => {
        const input = new ByteReader(bytes);
        const code = await errorCode(() => decodeRecipe(input));
        expect(['none', 'delta-damaged', 'delta-unsupported']).toContain(code);
      }),
    );
  });

  it.each([
    ['a recipe of a later format', [9], 'delta-unsupported'],
    ['a preset above 9', [1, 10, 4], 'delta-damaged'],
    ['unknown flags of xz', [1, 0x46, 4], 'delta-damaged'],
    ['an unknown check', [1, 6, 2], 'delta-damaged'],
    ['blocks of no bytes', [1, 0x26, 4, 0], 'delta-damaged'],
    ['blocks of one byte', [1, 0x26, 4, 1], 'delta-damaged'],
    ['blocks of a sixteenth of the dictionary', [1, 0x26, 4, 0x80, 0x80, 0x20], 'delta-damaged'],
    ['gzip -0', [2, 0, 10, ...Array<number>(10).fill(0)], 'delta-damaged'],
    ['gzip -10', [2, 10, 10, ...Array<number>(10).fill(0)], 'delta-damaged'],
    ['a gzip header that is too short', [2, 9, 9, ...Array<number>(9).fill(0)], 'delta-damaged'],
    ['zstd -23', [4, 23, 0], 'delta-damaged'],
    ['unknown flags of zstd', [4, 3, 4], 'delta-damaged'],
  ])('refuses %s', async (_what, bytes, code) => {
    const input = new ByteReader(Uint8Array.from(bytes));
    expect(await errorCode(() => decodeRecipe(input))).toBe(code);
  });
});
