import { generateKey } from 'openpgp';

import { readPublicKeys, type TrustedKeys } from '../../shared/index/signature.js';
import { daysFromNow } from './sample-index.js';

export interface TestKey {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly trusted: TrustedKeys;
}

/** A key that is 100 days old at NOW, and expires `expiresInDays` after NOW, if at all. */
export async function makeTestKey(name: string, expiresInDays?: number): Promise<TestKey> {
  const expiry =
    expiresInDays === undefined ? {} : { keyExpirationTime: (100 + expiresInDays) * 86_400 };
  const { privateKey, publicKey } = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name, email: `${name}@example.org` }],
    date: daysFromNow(-100),
    format: 'armored',
    ...expiry,
  });
  return { privateKey, publicKey, trusted: await readPublicKeys(Buffer.from(publicKey)) };
}
