import {
  createCleartextMessage,
  createMessage,
  readCleartextMessage,
  readKeys,
  readPrivateKey,
  sign,
  verify,
  type Key,
  type PrivateKey,
  type PublicKey,
} from 'openpgp';

import { DebshoalError } from '../errors.js';

/** Public keys that a user trusts for one source; readPublicKeys() makes them. */
export type TrustedKeys = readonly PublicKey[];

/**
 * How far the publisher's clock may be ahead of ours, in milliseconds. All of a verification uses
 * one moment, now plus this, so a key that expires within it is refused already.
 */
export const CLOCK_SKEW = 24 * 60 * 60 * 1000;

/**
 * Reads public keys, armored or binary (a keyring for gpgv). Fails with `config-invalid` when there
 * is none in it, or a private key: that belongs on the machine that signs, nowhere else.
 */
export async function readPublicKeys(bytes: Uint8Array): Promise<TrustedKeys> {
  const keys = await readAnyKeys(bytes);
  if (keys.length === 0) throw new DebshoalError('config-invalid', 'no public key in it');
  if (keys.some((key) => key.isPrivate())) {
    throw new DebshoalError('config-invalid', 'a private key where a public one must be', {
      hint: 'Give the public key (public-key.asc or keyring.gpg), and keep the private one private.',
    });
  }
  return keys.map((key) => key.toPublic());
}

async function readAnyKeys(bytes: Uint8Array): Promise<readonly Key[]> {
  try {
    // The first byte of a binary key is a packet tag, which has its high bit set.
    if (((bytes[0] ?? 0) & 0x80) !== 0) return await readKeys({ binaryKeys: bytes });
    return await readKeys({ armoredKeys: Buffer.from(bytes).toString('latin1') });
  } catch (cause) {
    throw new DebshoalError('config-invalid', 'not an OpenPGP public key', { cause });
  }
}

/**
 * InRelease: the clear-signed form of `text`, signed by every one of the armored private keys (two
 * during a change of keys). Its lines must not end in blanks: clear-signing drops them.
 */
export async function signRelease(
  text: string,
  privateKeys: string | readonly string[],
  now = new Date(),
): Promise<string> {
  const message = await createCleartextMessage({ text });
  return sign({ message, signingKeys: await readPrivateKeys(privateKeys), date: now });
}

/** Release.gpg: the detached, armored signature of the same text. */
export async function signDetached(
  text: string,
  privateKeys: string | readonly string[],
  now = new Date(),
): Promise<string> {
  const message = await createMessage({ binary: Buffer.from(text) });
  const signingKeys = await readPrivateKeys(privateKeys);
  // Its type depends on an optional package of stream types that nobody here needs.
  const armored: unknown = await sign({ message, signingKeys, detached: true, date: now });
  return String(armored);
}

async function readPrivateKeys(armored: string | readonly string[]): Promise<PrivateKey[]> {
  const list = typeof armored === 'string' ? [armored] : armored;
  try {
    return await Promise.all(list.map((armoredKey) => readPrivateKey({ armoredKey })));
  } catch (cause) {
    throw new DebshoalError('config-invalid', 'not an OpenPGP private key', { cause });
  }
}

/**
 * The signed text of an InRelease, exactly as the verification saw it, when at least one of `keys`
 * signed it (so two keys can be in use during a change). Everything else is `index-untrusted`.
 */
export async function verifyInRelease(
  inRelease: Uint8Array,
  keys: TrustedKeys,
  now: Date,
): Promise<string> {
  const cleartextMessage = decodeUtf8(inRelease);
  // OpenPGP.js skips whatever surrounds the signed part; apt and others might not.
  checkFraming(cleartextMessage);
  try {
    const date = new Date(now.getTime() + CLOCK_SKEW);
    const message = await readCleartextMessage({ cleartextMessage });
    const { data, signatures } = await verify({ message, verificationKeys: [...keys], date });
    await Promise.any(
      signatures.map(async ({ verified, keyID }) => {
        await verified;
        // The library only asks whether the key was valid when it signed. Whoever has stolen an
        // expired or revoked key chooses that time, so the key must be valid now, too.
        const key = keys.find((candidate) => candidate.getKeys(keyID).length > 0);
        if (key === undefined) throw new Error('verified by a key that is not there');
        await key.getSigningKey(keyID, date);
      }),
    );
    return data;
  } catch (cause) {
    throw new DebshoalError('index-untrusted', 'not signed by a trusted key', {
      cause,
      hint: 'If the publisher changed its key, install the new one; otherwise do not use this source.',
    });
  }
}

/** The text of an InRelease that somebody else, such as apt, has verified. */
export async function readSignedText(inRelease: Uint8Array): Promise<string> {
  const cleartextMessage = decodeUtf8(inRelease);
  checkFraming(cleartextMessage);
  try {
    return (await readCleartextMessage({ cleartextMessage })).getText();
  } catch (cause) {
    throw new DebshoalError('index-untrusted', 'not a clear-signed message', { cause });
  }
}

const ARMOR_LINES = [
  '-----BEGIN PGP SIGNED MESSAGE-----',
  '-----BEGIN PGP SIGNATURE-----',
  '-----END PGP SIGNATURE-----',
];

/**
 * One signed message and nothing else (RFC 9580, 7). Text before or after it, and a second message,
 * are attacks on readers that look at more than the signed part. Inside, lines that begin with a
 * hyphen are escaped, so just these three lines may begin with five.
 */
function checkFraming(text: string): void {
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
  const armor = lines.filter((line) => line.startsWith('-----'));
  const whole =
    armor.join('\n') === ARMOR_LINES.join('\n') &&
    lines[0] === armor[0] &&
    lines.at(-1) === armor[2];
  if (!whole) throw new DebshoalError('index-untrusted', 'not one clear-signed message');
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new DebshoalError('index-untrusted', 'not text', { cause });
  }
}
