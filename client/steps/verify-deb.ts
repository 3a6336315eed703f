import { DebshoalError } from '../../shared/errors.js';
import { hashFile } from '../../shared/io/hash.js';
import type { PendingPackage } from '../apt/pending-upgrades.js';

/**
 * Reads a finished .deb once more from the disk and compares it with apt's own verified index,
 * which is what apt will do again. `hash-mismatch` when it differs.
 */
export async function verifyDeb(path: string, pending: PendingPackage): Promise<void> {
  const { sha256, size } = await hashFile(path);
  if (sha256 !== pending.sha256 || size !== pending.size) {
    throw new DebshoalError('hash-mismatch', `${pending.archiveName} is not what apt expects`);
  }
}
