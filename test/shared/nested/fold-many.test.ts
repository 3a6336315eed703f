import { describe, expect, it } from 'vitest';

import { deflate } from '../../../shared/nested/deflate.js';
import type { Fold } from '../../../shared/nested/fold.js';
import { foldMany } from '../../../shared/nested/fold-many.js';
import type { NestedRecipe } from '../../../shared/nested/nested-recipe.js';
import { errorCode } from '../../support/error-code.js';
import { makeZip, zipEntry } from '../../support/make-zip.js';

const encoder = { by: 'zlib', level: 6, memLevel: 8, strategy: 0, windowBits: 15 } as const;
const DEFLATE: NestedRecipe = { kind: 'deflate', encoder, trailer: 'none' };
const ZIP: NestedRecipe = { kind: 'zip', encoder, exceptions: new Map() };
const content = Buffer.from('so many words, and so many words again, and words');

async function fold(bytes: Buffer, ...folds: readonly Fold[]): Promise<Buffer> {
  const [packed] = await foldMany([{ content: bytes, folds }]);
  return packed ?? Buffer.alloc(0);
}

function foldOf(at: number, length: number, packedLength: number, recipe = DEFLATE): Fold {
  return { at, length, packedLength, recipe, inner: [] };
}

describe('folding', () => {
  it('packs streams from the innermost out, at their places', async () => {
    const inner = deflate(content.subarray(4, 30), encoder);
    const middle = Buffer.concat([content.subarray(2, 4), inner, content.subarray(30, 40)]);
    const outer = deflate(middle, encoder);
    const expected = Buffer.concat([content.subarray(0, 2), outer, content.subarray(40)]);
    const within = { ...foldOf(2, 38, outer.length), inner: [foldOf(2, 26, inner.length)] };
    expect((await fold(content, within)).equals(expected)).toBe(true);
  });

  it('refuses folds outside of their content, overlapping ones, and other lengths', async () => {
    const { length } = deflate(content, encoder);
    expect(await errorCode(fold(content, foldOf(0, content.length, length)))).toBe('none');
    for (const folds of [
      [foldOf(1, content.length, length)],
      [foldOf(0, content.length, length - 1)],
      [foldOf(5, 5, deflate(content.subarray(5, 10), encoder).length), foldOf(4, 0, 2)],
    ]) {
      expect(await errorCode(fold(content, ...folds))).toBe('delta-damaged');
    }
  });

  it('refuses a zip that is none, whatever is changed in it', async () => {
    const zip = makeZip([zipEntry('a', content, 0), zipEntry('b', content, 8)]);
    const whole = (bytes: Buffer): Promise<Buffer> =>
      fold(bytes, foldOf(0, bytes.length, 300, ZIP));
    expect(await errorCode(whole(content))).toBe('delta-damaged');
    expect(await errorCode(whole(Buffer.alloc(0)))).toBe('delta-damaged');
    for (let at = 0; at < zip.length; at++) {
      for (const value of [0x00, 0x7f, 0xff]) {
        const changed = Buffer.from(zip);
        changed[at] = value;
        expect(['none', 'delta-damaged']).toContain(await errorCode(whole(changed)));
      }
    }
  });
});
