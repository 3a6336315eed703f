import { chmod, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { makeSigningKey } from '../../../shared/index/signing-key.js';
import { readIfPresent, writeFileAtomically } from '../../../shared/io/files.js';
import { LIMITS } from '../../../shared/limits.js';
import type { Places } from './places.js';

/**
 * The armored private key of this machine's local repository, made when first needed. It is no use
 * elsewhere: apt accepts it for that one file: repository only (Signed-By).
 */
export async function localSigningKey(places: Places, now: Date): Promise<string> {
  const path = join(places.keyFolder, 'private.asc');
  const [privateKey, publicKey] = await Promise.all(
    [path, places.publicKey].map((file) => readIfPresent(file, LIMITS.keyBytes)),
  );
  if (privateKey && publicKey) return privateKey.toString();
  const name = `debshoal on ${hostname().replace(/[^A-Za-z0-9.-]/g, '')}`;
  const key = await makeSigningKey({ name, email: 'debshoal@localhost' }, now);
  await mkdir(places.keyFolder, { recursive: true });
  await chmod(places.keyFolder, 0o700);
  await writeFileAtomically(path, key.privateKey, 0o600);
  // Last: with both there, the pair is whole.
  await writeFileAtomically(places.publicKey, key.publicKey);
  return key.privateKey;
}
