import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { z } from 'zod';

import { proveEncoders, type EncoderProof } from '../../shared/deb/prove-encoders.js';
import { writeFileAtomically } from '../../shared/io/files.js';
import { readKept } from './read-kept.js';

const schema = z.strictObject({
  encoders: z.string(),
  xzBytesPerSecond: z.number().positive(),
});

/**
 * Proves this machine's encoders, or remembers that they were proven. Only a success is remembered,
 * and only for the very files that were tried.
 */
export async function provenEncoders(
  stateFolder: string,
  mode: 'read-only' | 'read-write',
): Promise<EncoderProof> {
  const path = join(stateFolder, 'encoders.json');
  const encoders = await identifyEncoders();
  const remembered = await readKept(path, schema);
  if (remembered?.encoders === encoders) {
    return { failed: [], xzBytesPerSecond: remembered.xzBytesPerSecond };
  }
  const proof = await proveEncoders();
  if (proof.failed.length === 0 && mode === 'read-write') {
    const { xzBytesPerSecond } = proof;
    await writeFileAtomically(path, JSON.stringify({ encoders, xzBytesPerSecond }));
  }
  return proof;
}

/** Changes whenever an encoder is installed anew: a file's ctime cannot be set. */
async function identifyEncoders(): Promise<string> {
  const require = createRequire(import.meta.url);
  const native = ['lzma-native', 'zstd-napi'].map((name) => require.resolve(name));
  const parts = await Promise.all(
    native.map(async (file) => {
      const found = await stat(file).catch(() => null);
      return found ? `${file} ${found.ino} ${found.size} ${found.ctimeMs}` : '';
    }),
  );
  return [process.version, ...parts].join('\n');
}
