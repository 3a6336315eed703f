import { execFileSync } from 'node:child_process';
import { Readable } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { compress } from '../../../shared/deb/compression.js';
import { encoderSample, proveEncoders } from '../../../shared/deb/prove-encoders.js';
import { describeRecipe } from '../../../shared/deb/recipe.js';
import { sha256 } from '../../../shared/io/hash.js';

describe('encoders', () => {
  it('write the known bytes here', async () => {
    const proof = await proveEncoders();
    expect(proof.failed).toEqual([]);
    expect(proof.xzBytesPerSecond).toBeGreaterThan(0);
  });

  it('write for the sample what the xz of this system writes, with any number of threads', async () => {
    const options = ['-6', '-T2', '--block-size=131072', '-c'];
    const expected = sha256(execFileSync('xz', options, { input: encoderSample() }));
    for (const threads of [1, 3]) {
      const recipe = {
        kind: 'xz',
        preset: 6,
        extreme: false,
        check: 4,
        blockBytes: 131072,
      } as const;
      const chunks: Buffer[] = [];
      const sample = Readable.from([encoderSample()]);
      for await (const chunk of compress(recipe, sample, threads)) chunks.push(chunk);
      expect(sha256(Buffer.concat(chunks))).toBe(expected);
    }
  });

  it('are found out when they write other bytes', async () => {
    const recipe = { kind: 'zstd', level: 19, checksum: true, threaded: true } as const;
    const known = [{ recipe, sha256: sha256(encoderSample()) }];
    expect((await proveEncoders(known)).failed).toEqual([describeRecipe(recipe)]);
  });
});
