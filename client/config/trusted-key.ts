import { DebshoalError } from '../../shared/errors.js';
import { readPublicKeys, type TrustedKeys } from '../../shared/index/signature.js';
import { readBounded } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';

/** Reads the public keys in a file; `config-invalid`, with its path, when there are none. */
export async function readTrustedKey(path: string): Promise<TrustedKeys> {
  try {
    return await readPublicKeys(await readBounded(path, LIMITS.keyBytes));
  } catch (cause) {
    const why = cause instanceof DebshoalError ? cause.message : 'it cannot be read';
    throw new DebshoalError('config-invalid', `no key in ${path}: ${why}`, {
      cause,
      hint: 'Put the public key of whoever publishes the index there, readable for user debshoal.',
    });
  }
}
