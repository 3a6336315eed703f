import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { makeSigningKey } from '../../../shared/index/signing-key.js';
import { encodeDeltasIndex } from '../../../shared/index/deltas-index.js';
import { indexPath, releasePath, suiteFolder } from '../../../shared/index/layout.js';
import { encodeRelease } from '../../../shared/index/release.js';
import { signRelease } from '../../../shared/index/signature.js';
import { withTemporaryFolder, writeFileAtomically } from '../../../shared/io/files.js';
import { runTool } from '../../../shared/io/run-tool.js';
import { compressXz } from '../../../shared/io/xz.js';
import { errorCode } from '../../support/error-code.js';
import { listFile, SAMPLE_INDEX, SAMPLE_RELEASE } from '../../support/sample-index.js';

/** Makes apt fetch Deltas where a Release lists them; see the client's documentation. */
const TARGET = `Acquire::IndexTargets::deb::Debshoal { MetaKey "$(COMPONENT)/debshoal-$(ARCHITECTURE)/Deltas";
  ShortDescription "Deltas"; Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Deltas";
  KeepCompressed "false"; };`;

const MINUTE = 60_000;

// apt exists on Debian only; this one works in its own folders and needs no network.
test.skipIf(process.env['CI'] === undefined && !existsSync('/usr/bin/apt-get'))(
  'apt update fetches and verifies our index',
  async () => {
    await withTemporaryFolder(async (folder) => {
      const key = await makeSigningKey({ name: 'Test', email: 'test@example.org' });
      const plain = Buffer.from(encodeDeltasIndex(SAMPLE_INDEX));
      const packed = await compressXz(plain);
      const index = indexPath('main', 'amd64');
      const now = Date.now();
      const release = encodeRelease({
        ...SAMPLE_RELEASE,
        date: new Date(now - MINUTE),
        validUntil: new Date(now + 60 * MINUTE),
        files: [listFile(index, plain), listFile(`${index}.xz`, packed)],
      });
      const archive = join(folder, 'archive');
      const suite = join(archive, suiteFolder('bookworm'));
      await writeFileAtomically(join(suite, `${index}.xz`), packed);
      await writeFileAtomically(
        join(archive, releasePath('bookworm')),
        await signRelease(release, key.privateKey),
      );
      await prepareApt(folder, archive, key.keyring);

      const lists = join(folder, 'lists');
      await aptUpdate(folder);
      const fetched = (await readdir(lists)).find((name) => name.endsWith('_Deltas'));
      expect(await readFile(join(lists, fetched ?? ''), 'utf8')).toBe(plain.toString());

      const forged = release.replace('Counter: 42', 'Counter: 43');
      const stranger = await makeSigningKey({ name: 'Stranger', email: 'other@example.org' });
      await writeFileAtomically(
        join(archive, releasePath('bookworm')),
        await signRelease(forged, stranger.privateKey),
      );
      expect(await errorCode(aptUpdate(folder))).toBe('tool-failed');
    });
  },
);

async function prepareApt(folder: string, archive: string, keyring: Uint8Array): Promise<void> {
  await mkdir(join(folder, 'lists/partial'), { recursive: true });
  await writeFile(join(folder, 'keyring.gpg'), keyring);
  await writeFile(join(folder, 'status'), '');
  await writeFile(
    join(folder, 'debshoal.sources'),
    `Types: deb\nURIs: copy:${archive}\nSuites: bookworm\nComponents: main\n` +
      `Architectures: amd64\nTargets: Debshoal\nSigned-By: ${join(folder, 'keyring.gpg')}\n`,
  );
  const settings = [
    `Dir::State "${folder}";`,
    `Dir::State::status "${join(folder, 'status')}";`,
    `Dir::State::lists "${join(folder, 'lists')}";`,
    `Dir::Cache "${folder}";`,
    `Dir::Etc::sourcelist "${join(folder, 'debshoal.sources')}";`,
    ...['main', 'parts', 'sourceparts', 'preferencesparts', 'trusted', 'trustedparts'].map(
      (name) => `Dir::Etc::${name} "/dev/null";`,
    ),
    // The folder is private to us: apt's own user could not read it.
    'APT::Sandbox::User "root"; APT::Update::Error-Mode "any";',
    TARGET,
  ];
  await writeFile(join(folder, 'apt.conf'), settings.join('\n'));
}

async function aptUpdate(folder: string): Promise<void> {
  const env = { ...process.env, APT_CONFIG: join(folder, 'apt.conf') };
  const { stderr } = await runTool('apt-get', ['update'], { maxOutput: 1 << 20, env });
  expect(stderr).toBe('');
}
