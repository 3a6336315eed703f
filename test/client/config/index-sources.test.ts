import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import {
  parseIndexSources,
  readIndexSources,
  SOURCES_FOLDER,
} from '../../../client/config/index-sources.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';

const WHOLE = `# ours
URIs: http://a.example.org/deltas/ https://b.example.org
Suites: bookworm bookworm-security
Components: main
Architectures: amd64
Signed-By: /etc/debshoal/key.asc
`;

const parse = (text: string) => parseIndexSources(text, 'x.sources', '/root');

describe('sources of deltas', () => {
  it('are one for each address and suite, with the key below the root', () => {
    const sources = parse(WHOLE);
    expect(sources.map(({ uri, suite }) => `${uri} ${suite}`)).toEqual([
      'http://a.example.org/deltas bookworm',
      'http://a.example.org/deltas bookworm-security',
      'https://b.example.org bookworm',
      'https://b.example.org bookworm-security',
    ]);
    expect(sources[0]).toMatchObject({
      components: ['main'],
      architectures: ['amd64'],
      signedBy: '/root/etc/debshoal/key.asc',
    });
  });

  it('vouch for expanded packages only when the user says so', () => {
    const allowed = (text: string) => parse(text).map(({ allowsExpanded }) => allowsExpanded);
    expect(allowed(WHOLE)).not.toContain(true);
    expect(allowed(`${WHOLE}Allow-Expanded: no\n`)).not.toContain(true);
    expect(allowed(`${WHOLE}Allow-Expanded: yes\n`)).not.toContain(false);
  });

  it('can be switched off', () => {
    expect(parse(`Enabled: no\n${WHOLE.slice(WHOLE.indexOf('URIs'))}`)).toEqual([]);
  });

  it.each([
    ['a mistyped field', WHOLE.replace('Components', 'Component')],
    ['no key', WHOLE.replace(/Signed-By.*\n/, '')],
    ['a key beside the file', WHOLE.replace('/etc/debshoal/key.asc', 'key.asc')],
    ['a permission that is neither yes nor no', `${WHOLE}Allow-Expanded: maybe\n`],
    ['no suite', WHOLE.replace(/Suites.*\n/, '')],
    ['a suite that leaves its folder', WHOLE.replace('bookworm ', '../x ')],
    ['an address that is not HTTP', WHOLE.replace('https://b.example.org', 'file:///etc')],
    ['a user', WHOLE.replace('https://b', 'https://me@b')],
    ['a password', WHOLE.replace('https://b', 'https://:secret@b')],
    ['no deb822', 'deb http://a.example.org bookworm main\n'],
  ])('refuse %s', async (_, text) => {
    expect(await errorCode(async () => Promise.resolve(parse(text)))).toBe('config-invalid');
  });

  it('are read from all files of the folder, and none is none', async () => {
    const root = await temporaryFolder();
    expect(await readIndexSources(root)).toEqual([]);
    await mkdir(join(root, SOURCES_FOLDER), { recursive: true });
    await writeFile(join(root, SOURCES_FOLDER, 'a.sources'), WHOLE);
    await writeFile(join(root, SOURCES_FOLDER, 'b.sources.disabled'), 'rubbish');
    expect(await readIndexSources(root)).toHaveLength(4);
  });

  it('are not taken for none where they cannot be read', async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, 'etc/debshoal'), { recursive: true });
    await symlink('sources.d', join(root, SOURCES_FOLDER));
    expect(await errorCode(readIndexSources(root))).toBe('config-invalid');
  });
});
