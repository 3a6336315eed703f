import { generateKey, readKey } from 'openpgp';

export interface Owner {
  readonly name: string;
  readonly email: string;
}

export interface SigningKey {
  /** Armored, without a passphrase: it signs from cron. */
  readonly privateKey: string;
  /** Armored, for `Signed-By` in sources of apt and for our client. */
  readonly publicKey: string;
  /** The same, binary: gpgv reads no other form. */
  readonly keyring: Uint8Array;
  /** 40 upper-case hex digits, as gpg prints it. */
  readonly fingerprint: string;
}

/** Makes a key pair that OpenPGP.js and the gpgv of Debian 12 both accept. It never expires. */
export async function makeSigningKey(owner: Owner, now = new Date()): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKey({
    // 'curve25519' makes keys of RFC 9580's own algorithm number, which gpgv 2.2 rejects.
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: owner.name, email: owner.email }],
    date: now,
    format: 'armored',
  });
  const key = await readKey({ armoredKey: publicKey });
  return {
    privateKey,
    publicKey,
    keyring: key.write(),
    fingerprint: key.getFingerprint().toUpperCase(),
  };
}
