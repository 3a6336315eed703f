import lzma from 'lzma-native';

import type { NestedRecipe } from './nested-recipe.js';

export type XzRecipe = Extract<NestedRecipe, { kind: 'xz' }>;

/** lzma_match_finder and lzma_mode of liblzma's lzma12.h. */
const HASH_CHAIN_3 = 0x03;
const HASH_CHAIN_4 = 0x04;
const BINARY_TREE_4 = 0x14;
const MODE_FAST = 1;
const MODE_NORMAL = 2;

/** What liblzma makes of a preset (lzma_encoder_presets.c); all but the dictionary size. */
function presetOptions({ preset, extreme }: XzRecipe): {
  mode: number;
  mf: number;
  niceLen: number;
  depth: number;
} {
  if (extreme) {
    const isLight = preset === 3 || preset === 5;
    const [niceLen, depth] = isLight ? [192, 0] : [273, 512];
    return { mode: MODE_NORMAL, mf: BINARY_TREE_4, niceLen, depth };
  }
  if (preset <= 3) {
    const mf = preset === 0 ? HASH_CHAIN_3 : HASH_CHAIN_4;
    const depth = [4, 8, 24, 48][preset] ?? 0;
    return { mode: MODE_FAST, mf, niceLen: preset <= 1 ? 128 : 273, depth };
  }
  const niceLen = preset === 4 ? 16 : preset === 5 ? 32 : 64;
  return { mode: MODE_NORMAL, mf: BINARY_TREE_4, niceLen, depth: 0 };
}

/** liblzma's bytes, the same on every machine and for any number of threads. */
export async function encodeXz(content: Buffer, recipe: XzRecipe): Promise<Buffer> {
  const { check, dictionaryBytes, blockBytes } = recipe;
  const options = { dictSize: dictionaryBytes, ...presetOptions(recipe) };
  const encoder = lzma.createStream('streamEncoder', {
    filters: [{ id: 'LZMA_FILTER_LZMA2', options }],
    check,
    // Any number of threads selects the threaded encoder; its output depends on the block size.
    ...(blockBytes !== null && { threads: 1, blockSize: blockBytes }),
  });
  const chunks: Buffer[] = [];
  encoder.end(content);
  for await (const chunk of encoder) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
