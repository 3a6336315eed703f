import { gunzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { ProvenPacks } from '../../../../generator/diff/nested/proven-packs.js';
import type { NestedRecipe } from '../../../../shared/nested/nested-recipe.js';
import { prose } from '../../../support/prose.js';

const XZ: NestedRecipe = {
  kind: 'xz',
  preset: 6,
  extreme: false,
  check: 1,
  dictionaryBytes: 1 << 20,
  blockBytes: null,
};
const GNU: NestedRecipe = { kind: 'deflate', encoder: { by: 'gnu', level: 9 }, trailer: 'gzip' };

describe('proven packs', () => {
  const content = prose(1000);
  const seen = Buffer.from('what xz was seen to make of it');

  it('gives what a slow recipe was seen to make, and makes the rest', async () => {
    const proven = new ProvenPacks();
    proven.add({ content, recipe: XZ }, seen);
    const jobs = [
      { content, recipe: GNU },
      { content, recipe: XZ },
      { content: prose(2000), recipe: XZ },
    ];
    const [deflated, known, made] = await proven.pack(jobs);
    const header = Buffer.from('1f8b0800000000000003', 'hex');
    const gz = Buffer.concat([header, deflated ?? Buffer.alloc(0)]);
    expect(gunzipSync(gz).equals(content)).toBe(true);
    expect(known).toBe(seen);
    expect(made?.subarray(0, 6).toString('hex')).toBe('fd377a585a00');
  });

  it('does not take one recipe for another', async () => {
    const proven = new ProvenPacks();
    proven.add({ content, recipe: XZ }, seen);
    const jobs = [{ content, recipe: { ...XZ, preset: 5 } }];
    const [made] = await proven.pack(jobs);
    expect(made).not.toBe(seen);
  });
});
