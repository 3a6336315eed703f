import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

import { DebshoalError } from '../errors.js';
import type { Sha256 } from '../io/hash.js';
import { compress } from './compression.js';
import { describeRecipe, type Recipe } from './recipe.js';

/*
 * A delta is of no use to a machine whose encoders write other bytes than the generator's, and it
 * would find out only after the download and minutes of compressing. So each encoder that is not
 * compiled into the kernel compresses a sample once, and the result is compared with what is known.
 */

/** Of the sample, in bytes: long enough for several blocks and matches at all distances. */
const SAMPLE_BYTES = 384 * 1024;

/** `xz -6 -T2`, as dpkg uses it, but in blocks of a third of the sample. */
const XZ: Recipe = { kind: 'xz', preset: 6, extreme: false, check: 4, blockBytes: 128 * 1024 };
const ZSTD: Recipe = { kind: 'zstd', level: 19, checksum: true, threaded: true };

/** What each encoder makes of the sample. xz agrees with the tool of that name. */
const EXPECTED: readonly { readonly recipe: Recipe; readonly sha256: Sha256 }[] = [
  { recipe: XZ, sha256: '1f2a0ce6c4ec2b6739543b5b2095edbf32d042dcdc1c5f7d97ba6b3c836c5c47' },
  { recipe: ZSTD, sha256: '25fd9f807566d890a6fd0a32bd317243777124a51b867f80842cc5c9769ed517' },
];

export interface EncoderProof {
  /** The encoders that write other bytes here, or none, for people; empty: all is well. */
  readonly failed: readonly string[];
  /** Bytes of the sample that one core put through `xz -6` in a second; 0 when it failed. */
  readonly xzBytesPerSecond: number;
}

/** Compresses the sample with every encoder that recipes name and that is native code: a second. */
export async function proveEncoders(known = EXPECTED): Promise<EncoderProof> {
  const sample = encoderSample();
  const failed: string[] = [];
  let xzBytesPerSecond = 0;
  for (const { recipe, sha256 } of known) {
    const started = performance.now();
    if ((await fingerprint(recipe, sample)) !== sha256) failed.push(describeRecipe(recipe));
    else if (recipe === XZ) {
      xzBytesPerSecond = sample.length / ((performance.now() - started) / 1000);
    }
  }
  return { failed, xzBytesPerSecond };
}

async function fingerprint(recipe: Recipe, sample: Buffer): Promise<Sha256 | null> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of compress(recipe, Readable.from([sample]), 1)) hash.update(chunk);
  } catch (error) {
    // An encoder that is missing is as good as one that writes other bytes.
    if (error instanceof DebshoalError && error.code === 'tool-failed') return null;
    throw error;
  }
  return hash.digest('hex');
}

/** Words, tables of numbers and repetitions, as packages have them; the same bytes everywhere. */
export function encoderSample(): Buffer {
  const sample = Buffer.alloc(SAMPLE_BYTES);
  let state = 1;
  /** Park and Miller's generator: exact in doubles. */
  const below = (limit: number): number => {
    state = (state * 48271) % 0x7fffffff;
    return state % limit;
  };
  const words = Array.from({ length: 2000 }, () =>
    Buffer.from(Array.from({ length: 2 + below(9) }, () => 0x61 + below(26))),
  );
  let at = 0;
  const put = (bytes: Uint8Array): void => {
    const fitting = bytes.subarray(0, SAMPLE_BYTES - at);
    sample.set(fitting, at);
    at += fitting.length;
  };
  const record = Buffer.alloc(16);
  while (at < SAMPLE_BYTES) {
    const kind = below(8);
    if (kind < 4) {
      for (let i = below(60); i >= 0; i--) {
        // Small numbers are frequent ones, as in texts.
        put(words[Math.min(below(2000), below(2000), below(2000))] ?? record);
        put(Buffer.from(i % 9 === 0 ? '\n' : ' '));
      }
    } else if (kind < 7) {
      for (let i = below(40); i >= 0; i--) {
        record.writeUInt32LE(at, 0);
        record.writeUInt32LE(record.readUInt32LE(4) + below(64), 4);
        record.writeUInt32LE(below(0x7fffffff), 8);
        put(record);
      }
    } else if (at > 0) {
      const from = below(at);
      put(Buffer.from(sample.subarray(from, Math.min(at, from + below(3000)))));
    }
  }
  return sample;
}
