import { readFile } from 'node:fs/promises';

import type { Target } from './attack.js';
import { bodyOf, streamsOf, withBody, withStreams, type FuzzedStream } from './layers.js';
import { mutate } from './mutate.js';
import { Random } from './random.js';

/**
 * How deep into a delta a mutation goes: anywhere, where the checksum finds nearly all of it; behind
 * the checksum, where the coders of streams are; or in the streams themselves.
 */
export type LayerName = 'file' | 'body' | 'streams';

/** By chance, in sixteenths: most go where most code is. */
const LAYERS: readonly LayerName[] = [
  'file',
  ...new Array<LayerName>(5).fill('body'),
  ...new Array<LayerName>(10).fill('streams'),
];

/** Mostly one stream is changed: the more are, the sooner one of them is refused. */
const MOST_STREAMS = 3;

interface Original {
  readonly delta: Buffer;
  readonly streams: readonly FuzzedStream[];
}

/** What mutants are made of. */
export interface Originals extends Original {
  readonly others: readonly Original[];
}

export async function readOriginals({ delta, others }: Target): Promise<Originals> {
  const read = async (path: string): Promise<Original> => {
    const bytes = await readFile(path);
    return { delta: bytes, streams: streamsOf(bytes) };
  };
  return { ...(await read(delta)), others: await Promise.all(others.map(read)) };
}

/** Mutant `number` of `seed`, the same whenever it is made. */
export function makeMutant(
  originals: Originals,
  seed: number,
  number: number,
): { readonly bytes: Buffer; readonly layer: LayerName } {
  const random = new Random(seed, number);
  const layer = random.pick(LAYERS);
  return { bytes: MUTANTS[layer](originals, random), layer };
}

const MUTANTS: Readonly<Record<LayerName, (originals: Originals, random: Random) => Buffer>> = {
  file: ({ delta, others }, random) =>
    mutate(
      delta,
      random,
      others.map((other) => other.delta),
    ),
  body: ({ delta, others }, random) => {
    const bodies = others.map((other) => bodyOf(other.delta));
    return withBody(delta, mutate(bodyOf(delta), random, bodies));
  },
  streams: ({ delta, streams, others }, random) => {
    const changed = [...streams];
    const count = random.below(4) > 0 ? 1 : 1 + random.below(MOST_STREAMS);
    for (let i = 0; i < count; i++) {
      const index = random.below(changed.length);
      const stream = changed[index];
      if (stream === undefined) break;
      const { number, bytes } = stream;
      const alike = others.flatMap((other) =>
        other.streams.filter((one) => one.number === number).map((one) => one.bytes),
      );
      changed[index] = { number, bytes: mutate(bytes, random, alike) };
    }
    return withStreams(delta, changed);
  },
};
