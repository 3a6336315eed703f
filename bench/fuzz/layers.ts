import { createHash } from 'node:crypto';

/** How deep into a delta a mutation goes: what is changed, and how a delta is made of it again. */
interface Layer {
  readonly open: (delta: Buffer) => Buffer;
  readonly close: (delta: Buffer, changed: Buffer) => Buffer;
}

const CHECKSUM_OFFSET = 4;
const CHECKSUM_LENGTH = 8;
const BODY_OFFSET = CHECKSUM_OFFSET + CHECKSUM_LENGTH;

/** Anything on the way: the checksum finds nearly all of it. */
const file: Layer = { open: (delta) => delta, close: (_delta, changed) => changed };

/** What an attacker would send: the checksum fits, and the decoders have to find it. */
const body: Layer = {
  open: (delta) => delta.subarray(BODY_OFFSET),
  close: (delta, changed) => {
    const sum = createHash('sha256').update(changed).digest().subarray(0, CHECKSUM_LENGTH);
    return Buffer.concat([delta.subarray(0, CHECKSUM_OFFSET), sum, changed]);
  },
};

export const LAYERS = { file, body } as const;

export type LayerName = keyof typeof LAYERS;
