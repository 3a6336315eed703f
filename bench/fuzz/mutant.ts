import { readFile } from 'node:fs/promises';

import type { Target } from './attack.js';
import { LAYERS, type LayerName } from './layers.js';
import { mutate } from './mutate.js';
import { Random } from './random.js';

/** Most go where the decoders are; one in so many tests what stands before them. */
const FILE_LAYER_EVERY = 16;

/** The bytes that mutants are made of. */
export interface Originals {
  readonly delta: Buffer;
  readonly others: readonly Buffer[];
}

export async function readOriginals({ delta, others }: Target): Promise<Originals> {
  return {
    delta: await readFile(delta),
    others: await Promise.all(others.map((path) => readFile(path))),
  };
}

/** Mutant `number` of `seed`, the same whenever it is made. */
export function makeMutant(
  { delta, others }: Originals,
  seed: number,
  number: number,
): { readonly bytes: Buffer; readonly layer: LayerName } {
  const random = new Random(seed, number);
  const layer: LayerName = random.below(FILE_LAYER_EVERY) === 0 ? 'file' : 'body';
  const { open, close } = LAYERS[layer];
  const changed = mutate(open(delta), random, others.map(open));
  return { bytes: close(delta, changed), layer };
}
