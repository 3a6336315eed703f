import { execFileSync } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';

import { listedPath, walkTar, type TarEntry } from '../../../shared/deb/tar.js';
import { collect } from '../../support/chunks.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';
import { FIXTURE_PAIRS } from '../../support/fixture-pairs.js';
import { makeTar, tarHeader } from '../../support/tiny-deb.js';
import { hasTool } from '../../support/tools.js';

async function entriesOf(tar: Buffer): Promise<TarEntry[]> {
  const path = join(await temporaryFolder(), 'test.tar');
  await writeFile(path, tar);
  const file = await open(path, 'r');
  try {
    return await collect(walkTar(file, 0, tar.length));
  } finally {
    await file.close();
  }
}

async function readWithTarStream(tar: Buffer): Promise<[string, string, string][]> {
  const reader = extract();
  reader.end(tar);
  const found: [string, string, string][] = [];
  for await (const entry of reader) {
    const content = Buffer.concat(await collect(entry as AsyncIterable<Buffer>));
    found.push([entry.header.name, typeOf(entry.header.type), content.toString('hex')]);
  }
  return found;
}

function typeOf(tarStreamType: string): string {
  return { link: 'hardlink' }[tarStreamType] ?? tarStreamType;
}

describe('the tar walker', () => {
  describe.skipIf(!hasTool('dpkg-deb'))('on real packages (needs dpkg-deb)', () => {
    it.each(FIXTURE_PAIRS)('finds what tar-stream and tar find in $name', async (pair) => {
      const tar = execFileSync('dpkg-deb', ['--fsys-tarfile', pair.newDeb], { maxBuffer: 1 << 28 });
      const entries = await entriesOf(tar);
      const ours = entries.map(({ path, type, offset, size }) => {
        const name = Buffer.from(path, 'latin1').toString().replace(/\/$/, '');
        return [name, type, tar.toString('hex', offset, offset + size)];
      });
      const theirs = await readWithTarStream(tar);
      expect(ours).toEqual(theirs.map(([name, ...rest]) => [name.replace(/\/$/, ''), ...rest]));

      const listed = execFileSync('tar', ['tf', '-', '--quoting-style=literal'], { input: tar });
      expect(entries.map((entry) => entry.path)).toEqual(
        listed.toString('latin1').trimEnd().split('\n'),
      );
    });
  });

  it('gives places of contents, and none to links and folders', async () => {
    const tar = makeTar([
      { path: 'usr', type: '5' },
      { path: 'usr/a', content: 'first' },
      { path: 'usr/b', type: '1', link: './usr/a' },
      { path: 'usr/c', type: '2', link: 'a' },
      { path: 'usr/fifo', type: '6' },
      { path: 'usr/empty' },
    ]);
    const entries = await entriesOf(tar);
    expect(entries.map(({ path, type, size }) => [path, type, size])).toEqual([
      ['./', 'directory', 0],
      ['./usr/', 'directory', 0],
      ['./usr/a', 'file', 5],
      ['./usr/b', 'hardlink', 0],
      ['./usr/c', 'symlink', 0],
      ['./usr/fifo', 'other', 0],
      ['./usr/empty', 'file', 0],
    ]);
    const { offset = 0 } = entries[2] ?? {};
    expect(tar.toString('utf8', offset, offset + 5)).toBe('first');
  });

  it('reads long names, and names that are not UTF-8 byte by byte', async () => {
    const long = `${'long/'.repeat(40)}name`;
    const entries = await entriesOf(makeTar([{ path: long }, { path: Buffer.from([0xff, 0xe9]) }]));
    expect(entries.map(({ path }) => path)).toEqual(['./', `./${long}`, './\u00ff\u00e9']);
  });

  it.each([
    ['./usr/bin/git', '/usr/bin/git'],
    ['./usr/bin/', '/usr/bin'],
    ['usr/bin', '/usr/bin'],
    ['./', ''],
    ['.', ''],
    ['/', ''],
    ['./.hidden', '/.hidden'],
    ['./..x', '/..x'],
  ])('lists %s as "%s", like dpkg', (stored, listed) => {
    expect(listedPath(stored)).toBe(listed);
  });
});

describe('attacks on the tar walker', () => {
  const end = Buffer.alloc(1024);
  const refused = async (...parts: Buffer[]): Promise<void> => {
    expect(await errorCode(entriesOf(Buffer.concat([...parts, end])))).toBe('deb-malformed');
  };

  it('refuses a file that is longer than the archive', () =>
    refused(tarHeader(Buffer.from('./a'), { size: 1 << 20 })));

  it('refuses a size of 2^95 in base 256', () => {
    const sizeField = Buffer.concat([Buffer.from([0x80]), Buffer.alloc(11, 0xff)]);
    return refused(tarHeader(Buffer.from('./a'), { sizeField }));
  });

  it('refuses a negative size in base 256', () =>
    refused(tarHeader(Buffer.from('./a'), { sizeField: Buffer.alloc(12, 0xff) })));

  it('refuses a size that is no number', () =>
    refused(tarHeader(Buffer.from('./a'), { sizeField: Buffer.from('9999999999a\0') })));

  it('refuses a wrong checksum', () => {
    const header = tarHeader(Buffer.from('./a'));
    header.write('b', 2);
    return refused(header);
  });

  it('refuses a long name that is longer than any path', () =>
    refused(
      tarHeader(Buffer.from('././@LongLink'), { type: 'L', size: 8192 }),
      Buffer.alloc(8192),
    ));

  it('refuses pax headers, as dpkg does', () =>
    refused(tarHeader(Buffer.from('./x'), { type: 'x', size: 512 }), Buffer.alloc(512)));

  it('refuses a line end in a name, as dpkg does', () => refused(tarHeader(Buffer.from('./a\nb'))));
});
