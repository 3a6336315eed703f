import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

import { parsePrintUris } from '../../../client/apt/print-uris.js';

const HASH = '0cd23ff4'.repeat(8);
const line = `'http://a/pool/epkg_1_all.deb' epkg_1_all.deb 12`;

test('what apt 2.6 and 3.0 print', async () => {
  const recorded = new URL('recorded/full-upgrade.uris', import.meta.url);
  const rows = parsePrintUris(await readFile(recorded, 'utf8'));
  expect(rows.map((row) => `${row.package} ${row.version} ${row.architecture}`)).toEqual([
    'allpkg 6 all',
    'newdep 3.1 all',
    'epkg 1:2.0-1+b1~x amd64',
    'onlyi386 2:0~2+x i386',
    'samepkg 2.0 i386',
    'samepkg 2.0 amd64',
  ]);
  expect(rows[2]).toEqual({
    package: 'epkg',
    version: '1:2.0-1+b1~x',
    architecture: 'amd64',
    archiveName: 'epkg_1%3a2.0-1+b1~x_amd64.deb',
    uri: 'http://127.0.0.1:8765/pool/main/e/epkg/epkg_2.0-1%2bb1%7ex_amd64.deb',
    size: 764,
    sha256: '9c020f7781e9af89d51d48a976076a731b93ebea3b5de786ef3d2f3d22b6e54d',
  });
});

test('a package without SHA-256 has none, whatever else apt knows', () => {
  const output = [`${line} `, line, `${line} MD5Sum:92902e55935bd95b6176c6e5029a461a`, ''];
  const hashes = parsePrintUris(output.join('\n')).map((row) => row.sha256);
  expect(hashes).toEqual([null, null, null]);
});

test('a line of the right form', () => {
  expect(parsePrintUris(`${line} SHA256:${HASH}\n`)).toMatchObject([{ size: 12, sha256: HASH }]);
});

test.each([
  ['a cache name with a path', `'http://a/x' ../epkg_1_all.deb 12 SHA256:${HASH}`],
  ['a cache name of two parts', `'http://a/x' epkg_1.deb 12 SHA256:${HASH}`],
  ['a cache name with a hidden file', `'http://a/x' .epkg_1_all.deb 12 SHA256:${HASH}`],
  ['a raw colon in the cache name', `'http://a/x' epkg_1:1_all.deb 12 SHA256:${HASH}`],
  ['a negative size', `'http://a/x' epkg_1_all.deb -12 SHA256:${HASH}`],
  ['a size beyond exact numbers', `'http://a/x' epkg_1_all.deb 9999999999999999 SHA256:${HASH}`],
  ['a quote inside the URI', `'http://a/'x' epkg_1_all.deb 12 SHA256:${HASH}`],
  ['no URI', `'x' epkg_1_all.deb 12 SHA256:${HASH}`],
  ['a question', 'Do you want to continue? [Y/n]'],
])('%s is refused', (_, output) => {
  expect(() => parsePrintUris(output)).toThrow(expect.objectContaining({ code: 'apt-failed' }));
});
