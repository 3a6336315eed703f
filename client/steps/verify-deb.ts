import { basename } from 'node:path';

import { DebshoalError } from '../../shared/errors.js';
import { hashFile } from '../../shared/io/hash.js';
import type { FileIdentity } from '../../shared/delta/delta.js';

/**
 * Reads a finished .deb once more from the disk and compares it with what a signed index says,
 * which is what apt will do again. `hash-mismatch` when it differs.
 */
export async function verifyDeb(path: string, expected: FileIdentity): Promise<void> {
  const { sha256, size } = await hashFile(path);
  if (sha256 !== expected.sha256 || size !== expected.size) {
    throw new DebshoalError('hash-mismatch', `${basename(path)} is not what apt expects`);
  }
}
