import { existsSync } from 'node:fs';
import { appendFile, readdir, readFile, stat } from 'node:fs/promises';

import { describe, expect, test } from 'vitest';

import { DEFAULT_CONFIG, readConfig } from '../../../generator/home/config.js';
import { initHome } from '../../../generator/home/init.js';
import { readPublicKeys, signRelease, verifyInRelease } from '../../../shared/index/signature.js';
import { withTemporaryFolder } from '../../../shared/io/files.js';
import { runTool } from '../../../shared/io/run-tool.js';
import { errorCode } from '../../support/error-code.js';

const OWNER = { name: 'Our deltas', email: 'deltas@example.org' };

describe('initHome', () => {
  test('makes a key that only its owner reads, and a configuration of defaults', async () => {
    await withTemporaryFolder(async (folder) => {
      const { paths, fingerprint } = await initHome(`${folder}/home`, OWNER);
      expect(await readdir(`${folder}/home`)).toEqual(
        expect.arrayContaining([
          'generator.conf',
          'keyring.gpg',
          'public-key.asc',
          'signing-key.asc',
          'store',
        ]),
      );
      expect((await stat(paths.signingKey)).mode & 0o777).toBe(0o600);
      expect(await readConfig(paths.config)).toEqual(DEFAULT_CONFIG);

      const signed = await signRelease('A: 1\n', await readFile(paths.signingKey, 'utf8'));
      for (const path of [paths.publicKey, paths.keyring]) {
        const keys = await readPublicKeys(await readFile(path));
        expect(keys.map((key) => key.getFingerprint().toUpperCase())).toEqual([fingerprint]);
        expect(await verifyInRelease(Buffer.from(signed), keys, new Date())).toBe('A: 1\n');
      }
    });
  });

  test('does not replace a key that clients trust', async () => {
    await withTemporaryFolder(async (folder) => {
      const { paths } = await initHome(folder, OWNER);
      const before = await readFile(paths.signingKey, 'utf8');
      expect(await errorCode(initHome(folder, OWNER))).toBe('usage');
      expect(await readFile(paths.signingKey, 'utf8')).toBe(before);
    });
  });

  test('with force keeps the old key beside the new one, and the configuration', async () => {
    await withTemporaryFolder(async (folder) => {
      const first = await initHome(folder, OWNER);
      const before = await readFile(first.paths.signingKey, 'utf8');
      await appendFile(first.paths.config, 'Max-Ratio: 50\n');
      const second = await initHome(folder, { ...OWNER, force: true });
      expect(second.fingerprint).not.toBe(first.fingerprint);
      expect(await readFile(second.paths.oldSigningKey, 'utf8')).toBe(before);
      expect((await stat(second.paths.oldSigningKey)).mode & 0o777).toBe(0o600);
      expect((await readConfig(second.paths.config)).maxRatio).toBe(50);
    });
  });

  test.each([
    { name: '', email: OWNER.email },
    { name: 'a <b@c.org>', email: OWNER.email },
    { name: 'a\nb', email: OWNER.email },
    { name: 'a', email: 'nobody' },
    { name: 'a', email: 'a b@example.org' },
  ])('refuses the owner %j', async (owner) => {
    await withTemporaryFolder(async (folder) => {
      expect(await errorCode(initHome(folder, owner))).toBe('usage');
      expect(await readdir(folder)).toEqual([]);
    });
  });

  // gpg is not needed to run debshoal, but people look at keys with it.
  test.skipIf(process.env['CI'] === undefined && !existsSync('/usr/bin/gpg'))(
    'gpg shows the same fingerprint and owner',
    async () => {
      await withTemporaryFolder(async (folder) => {
        const { paths, fingerprint } = await initHome(folder, OWNER);
        const args = ['--homedir', folder, '--with-colons', '--show-keys', paths.publicKey];
        const shown = (await runTool('gpg', args, { maxOutput: 1 << 20 })).stdout.toString();
        expect(shown).toContain(fingerprint);
        expect(shown).toContain(`${OWNER.name} <${OWNER.email}>`);
      });
    },
  );
});
