import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readKey, revokeKey, readPrivateKey } from 'openpgp';
import { describe, expect, test } from 'vitest';

import { makeSigningKey } from '../../../shared/index/signing-key.js';
import { parseStanza } from '../../../shared/deb/deb822.js';
import { encodeRelease } from '../../../shared/index/release.js';
import {
  readPublicKeys,
  readSignedText,
  signDetached,
  signRelease,
  verifyInRelease,
} from '../../../shared/index/signature.js';
import { withTemporaryFolder } from '../../../shared/io/files.js';
import { runTool } from '../../../shared/io/run-tool.js';
import { errorCode } from '../../support/error-code.js';
import { daysFromNow, NOW, SAMPLE_RELEASE } from '../../support/sample-index.js';
import { makeTestKey } from '../../support/signing.js';

const ci = process.env['CI'] !== undefined;
const text = encodeRelease(SAMPLE_RELEASE);
const key = await makeTestKey('publisher');
const stranger = await makeTestKey('stranger');
const signed = await signRelease(text, key.privateKey, NOW);

function verify(inRelease: string | Uint8Array, keys = key.trusted, now = NOW): Promise<string> {
  return verifyInRelease(Buffer.from(inRelease), keys, now);
}

describe('verifyInRelease', () => {
  test('returns the text that was signed', async () => {
    expect(await verify(signed)).toBe(text);
    expect(await readSignedText(Buffer.from(signed))).toBe(text);
  });

  test('accepts either key during a change of keys', async () => {
    const next = await makeTestKey('next');
    const both = await signRelease(text, [key.privateKey, next.privateKey], NOW);
    expect(await verify(both, key.trusted)).toBe(text);
    expect(await verify(both, next.trusted)).toBe(text);
    expect(await verify(signed, [...next.trusted, ...key.trusted])).toBe(text);
  });

  test('restores lines that begin with a hyphen', async () => {
    const hyphens = 'A: 1\n-----BEGIN PGP SIGNATURE-----\n- x\n';
    expect(await verify(await signRelease(hyphens, key.privateKey, NOW))).toBe(hyphens);
  });

  const second = signed.replace('Counter: 42', 'Counter: 43');
  const attacks: readonly (readonly [string, string | Uint8Array])[] = [
    ['unsigned text', text],
    ['nothing', ''],
    ['garbage', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
    ['a changed body', second],
    ['a line added to the body', signed.replace('Counter:', 'Extra: 1\nCounter:')],
    [
      'the head of a signed message alone',
      signed.slice(0, signed.indexOf('-----BEGIN PGP SIGNAT')),
    ],
    ['a signature cut short', signed.slice(0, -60)],
    ['text before the signed part', `Suite: evil\n\n${signed}`],
    ['text after the signed part', `${signed}\nSuite: evil\n`],
    ['two messages, the good one first', signed + second],
    ['two messages, the good one last', second + signed],
    ['a second signature block', signed + signed.slice(signed.indexOf('-----BEGIN PGP SIGNATURE'))],
    ['a byte order mark', `\ufeff${signed}`],
    ['an armor header that is none', signed.replace('Hash: ', 'Suite: evil\nHash: ')],
    ['a private message type', signed.replaceAll('SIGNED MESSAGE', 'MESSAGE')],
  ];
  test.each(attacks)('refuses %s', async (_, bytes) => {
    expect(await errorCode(verify(bytes))).toBe('index-untrusted');
  });

  test('refuses the signature of another key', async () => {
    expect(await errorCode(verify(signed, stranger.trusted))).toBe('index-untrusted');
  });

  test('refuses everything without keys', async () => {
    expect(await errorCode(verify(signed, []))).toBe('index-untrusted');
  });

  test('refuses a key that expired, even for what it signed before', async () => {
    const mortal = await makeTestKey('mortal', 10);
    const early = await signRelease(text, mortal.privateKey, NOW);
    expect(await errorCode(verify(early, mortal.trusted))).toBe('none');
    expect(await errorCode(verify(early, mortal.trusted, daysFromNow(11)))).toBe('index-untrusted');
  });

  test('refuses a key that was revoked, even for what it signed before', async () => {
    const { publicKey } = await revokeKey({
      key: await readPrivateKey({ armoredKey: key.privateKey }),
      date: daysFromNow(1),
      format: 'object',
    });
    const revoked = await readPublicKeys(publicKey.write());
    expect(await errorCode(verify(signed, revoked, daysFromNow(2)))).toBe('index-untrusted');
  });

  test('refuses a signature from beyond the clock skew', async () => {
    const early = await signRelease(text, key.privateKey, daysFromNow(2));
    expect(await errorCode(verify(early))).toBe('index-untrusted');
    expect(await errorCode(verify(await signRelease(text, key.privateKey, daysFromNow(0.5))))).toBe(
      'none',
    );
  });
});

describe('readPublicKeys', () => {
  test('reads armored and binary keys, several in one file', async () => {
    const binary = [key, stranger].map(async ({ publicKey }) =>
      (await readKey({ armoredKey: publicKey })).write(),
    );
    const keys = await readPublicKeys(Buffer.concat(await Promise.all(binary)));
    expect(keys).toHaveLength(2);
    expect(await verify(signed, keys)).toBe(text);
  });

  test.each<[string, string | Uint8Array]>([
    ['a private key', key.privateKey],
    ['nothing', ''],
    ['text', 'no key'],
    ['a signed message', signed],
    ['bytes', Buffer.alloc(100, 0xc6)],
  ])('refuses %s', async (_, bytes) => {
    expect(await errorCode(readPublicKeys(Buffer.from(bytes)))).toBe('config-invalid');
  });
});

// gpgv is what apt of Debian 12 asks; no other implementation speaks for it.
describe.skipIf(!ci && !existsSync('/usr/bin/gpgv'))('gpgv', () => {
  test('accepts InRelease, and Release with Release.gpg', async () => {
    const made = await makeSigningKey({ name: 'Test', email: 'test@example.org' });
    await withTemporaryFolder(async (folder) => {
      const path = (name: string): string => join(folder, name);
      await writeFile(path('keyring.gpg'), made.keyring);
      await writeFile(path('InRelease'), await signRelease(text, made.privateKey));
      await writeFile(path('Release'), text);
      await writeFile(path('Release.gpg'), await signDetached(text, made.privateKey));
      const gpgv = async (...files: readonly string[]): Promise<string> => {
        const args = ['--keyring', path('keyring.gpg'), ...files.map(path)];
        return (await runTool('gpgv', args, { maxOutput: 1 << 20 })).stderr;
      };
      expect(await gpgv('InRelease')).toContain(made.fingerprint);
      expect(await gpgv('Release.gpg', 'Release')).toContain(made.fingerprint);
      await writeFile(path('Release'), text.replace('Counter: 42', 'Counter: 43'));
      expect(await errorCode(gpgv('Release.gpg', 'Release'))).toBe('tool-failed');
    });
  });
});

describe('InRelease files of Debian', () => {
  const LISTS = '/var/lib/apt/lists';
  const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const files = existsSync(LISTS)
    ? readdirSync(LISTS).filter((name) => /debian.*_InRelease$/.test(name))
    : [];
  // Only there after `apt update` on a Debian.
  test.skipIf(!ci && (files.length === 0 || !existsSync(KEYS)))('verify', async () => {
    const keys = await readPublicKeys(await readFile(KEYS));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const release = await verifyInRelease(await readFile(join(LISTS, file)), keys, new Date());
      const options = { code: 'archive-malformed', maxStanzaBytes: 1 << 22 } as const;
      expect(parseStanza(release, options).get('Origin')).toBe('Debian');
    }
  });
});
