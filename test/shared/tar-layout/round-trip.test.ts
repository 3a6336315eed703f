import { execFileSync } from 'node:child_process';
import { link, mkdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';

import { collect, noise } from '../../support/chunks.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { FIXTURE_PAIRS } from '../../support/fixture-pairs.js';
import { decodeTars, encodeTars, oldTree, streamBytes } from '../../support/tar-layout.js';
import { makeTar, tarHeader } from '../../support/tiny-deb.js';
import { hasTool } from '../../support/tools.js';

async function expectRoundTrip(...tars: Buffer[]): Promise<number> {
  const { streams } = await encodeTars(tars);
  const decoded = decodeTars(streams, tars);
  for (const [index, tar] of tars.entries()) expect(decoded[index]?.equals(tar)).toBe(true);
  return streamBytes(streams);
}

/** Checksummed again after a change. */
function withChecksum(header: Buffer): Buffer {
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

const END = Buffer.alloc(1024);

describe.skipIf(!hasTool('dpkg-deb'))('layouts of real packages (needs dpkg-deb)', () => {
  it.each(FIXTURE_PAIRS)('come back: $name', async (pair) => {
    const tars = [pair.oldDeb, pair.newDeb].flatMap((deb) =>
      ['--fsys-tarfile', '--ctrl-tarfile'].map((option) =>
        execFileSync('dpkg-deb', [option, deb], { maxBuffer: 1 << 28 }),
      ),
    );
    await expectRoundTrip(...tars);
  });
});

describe('layouts of tars by other tools', () => {
  async function sampleFolder(): Promise<string> {
    const folder = await temporaryFolder();
    const deep = join(folder, 'deep'.repeat(20), 'deeper'.repeat(10));
    await mkdir(deep, { recursive: true });
    await writeFile(join(deep, 'long-name'.repeat(10)), 'content');
    await writeFile(join(folder, 'file'), noise(1000), { mode: 0o4751 });
    await writeFile(join(folder, 'empty'), '');
    await writeFile(join(folder, 'n\u00e9\u2603'), 'not ASCII');
    await link(join(folder, 'file'), join(folder, 'hard'));
    await symlink('file', join(folder, 'short'));
    await symlink('target'.repeat(30), join(deep, 'long-link'));
    await writeFile(join(folder, 'future'), 'future');
    await utimes(join(folder, 'future'), 2 ** 33 + 5, 2 ** 33 + 5);
    await writeFile(join(folder, 'past'), 'past');
    await utimes(join(folder, 'past'), -5, -5);
    await writeFile(join(folder, 'sparse'), 'start');
    await truncate(join(folder, 'sparse'), 1 << 20);
    return folder;
  }

  it.each([
    ['gnu', '--format=gnu'],
    ['gnu, as dpkg-deb', '--format=gnu', '--sort=name', '--owner=root:0', '--group=root:0'],
    ['gnu, sparse', '--format=gnu', '--sparse'],
    ['oldgnu', '--format=oldgnu'],
    ['ustar', '--format=ustar', '--exclude=*future', '--exclude=past', '--exclude=long-link'],
    ['v7', '--format=v7', '--exclude=*future', '--exclude=past', '--exclude=deep*'],
    ['pax', '--format=pax'],
  ])('GNU tar %s', async (_, ...options) => {
    const folder = await sampleFolder();
    const tar = execFileSync('tar', ['-c', ...options, '-C', folder, '.'], { maxBuffer: 1 << 28 });
    const bytes = await expectRoundTrip(tar);
    expect(bytes).toBeLessThan(3000);
  });

  it.skipIf(!hasTool('python3'))('Python (needs python3)', async () => {
    const folder = await sampleFolder();
    const program =
      'import sys,tarfile; tarfile.open(fileobj=sys.stdout.buffer,mode="w|",format=tarfile.GNU_FORMAT).add(sys.argv[1],".")';
    const tar = execFileSync('python3', ['-c', program, folder], { maxBuffer: 1 << 28 });
    await expectRoundTrip(tar);
  });

  it('tar-stream', async () => {
    const packer = pack();
    packer.entry({ name: './', type: 'directory' });
    packer.entry({ name: './usr/bin/tool', mode: 0o755, mtime: new Date(1e12) }, 'content');
    packer.entry({ name: './usr/bin/other', type: 'symlink', linkname: 'tool' });
    packer.finalize();
    const tar = Buffer.concat(await collect(packer as AsyncIterable<Buffer>));
    expect(await expectRoundTrip(tar)).toBeLessThan(200);
  });
});

describe('layouts of odd tars', () => {
  it('an empty archive, none at all, and no zeros at the end', async () => {
    await expectRoundTrip(makeTar([]));
    await expectRoundTrip(Buffer.alloc(0));
    await expectRoundTrip(Buffer.alloc(512));
    await expectRoundTrip(tarHeader(Buffer.from('./a')));
    await expectRoundTrip(Buffer.concat([tarHeader(Buffer.from('./a'), { size: 3 }), noise(3)]));
  });

  it('bytes after the end, which are asked for as content', async () => {
    const rest = noise(5000);
    const tar = Buffer.concat([makeTar([{ path: 'a', content: 'x' }]), rest]);
    const { streams, contents } = await encodeTars([tar]);
    expect(contents.map(({ path, size }) => [path, size])).toEqual([
      ['/a', 1],
      ['', 5000],
    ]);
    expect(decodeTars(streams, [tar])[0]?.equals(tar)).toBe(true);
  });

  it('bytes that are no tar', async () => {
    await expectRoundTrip(noise(100));
    await expectRoundTrip(noise(3000));
    await expectRoundTrip(Buffer.concat([makeTar([{ path: 'a' }]).subarray(0, 1024), noise(3000)]));
  });

  it('padding that is not zero', async () => {
    const tar = makeTar([
      { path: 'a', content: 'x' },
      { path: 'b', content: 'y' },
    ]);
    tar.write('junk', 512 + 512 + 100);
    await expectRoundTrip(tar);
  });

  it('a link whose size field is not zero', async () => {
    const header = tarHeader(Buffer.from('./l'), { type: '2', link: 'target', size: 999 });
    await expectRoundTrip(Buffer.concat([header, END]));
  });

  it('devices, unknown types with content, and a wrong magic', async () => {
    const device = tarHeader(Buffer.from('./dev/null'), { type: '3' });
    device.write('0000001\0' + '0000003\0', 329);
    const unknown = tarHeader(Buffer.from('./x'), { type: 'Z', size: 4 });
    unknown.write('????????', 257);
    await expectRoundTrip(
      Buffer.concat([
        withChecksum(device),
        withChecksum(unknown),
        Buffer.from('abcd'.padEnd(512, '\0')),
        END,
      ]),
    );
  });

  it('numbers in base 256, negative, with blanks, and empty', async () => {
    const fields = [
      Buffer.from('80000000000000000000000f', 'hex'),
      Buffer.from('ffffffffffffffffffffff00', 'hex'),
      Buffer.from('807fffffffffffffffffffff', 'hex'),
      Buffer.from('         17 \0'),
      Buffer.from('00000000017 '),
      Buffer.from('0000000017 \0'),
      Buffer.alloc(12),
    ];
    const headers = fields.map((field, index) => {
      const header = tarHeader(Buffer.from(`./${index}`));
      field.copy(header, 136);
      return withChecksum(header);
    });
    await expectRoundTrip(Buffer.concat([...headers, END]));
  });

  it('odd names: absolute, bare, doubled slashes, not UTF-8, of 100 and 101 bytes', async () => {
    const names = ['/etc', 'etc/x', './/a', '././a', './a//', 'a/', './a', './a', '.', '/', ''];
    const headers = [...names.map((name) => Buffer.from(name)), Buffer.from([0x2e, 0x2f, 0xff])];
    const long = makeTar([{ path: 'l'.repeat(98) }, { path: 'l'.repeat(99) }]);
    const odd = Buffer.concat([...headers.map((name) => tarHeader(name)), END]);
    await expectRoundTrip(odd, long);
  });

  it('long names that are not as GNU tar writes them', async () => {
    const body = Buffer.alloc(512, 'n'.repeat(200) + '\0junk');
    const long = (type: string): Buffer =>
      Buffer.concat([tarHeader(Buffer.from('odd'), { type, size: 512 }), body]);
    const header = tarHeader(Buffer.from('short'), { type: '2', link: 'short' });
    await expectRoundTrip(Buffer.concat([long('L'), long('K'), long('L'), header, END]));
  });

  it('a long link of 1 MiB', async () => {
    const size = 1 << 20;
    const long = tarHeader(Buffer.from('././@LongLink'), { type: 'K', size });
    const header = tarHeader(Buffer.from('./l'), { type: '2', link: 'l' });
    await expectRoundTrip(Buffer.concat([long, Buffer.alloc(size, 'l'), header, END]));
  });
});

describe('what a layout costs', () => {
  const paths = ['usr/bin/a', 'usr/bin/b', 'usr/share/doc/a/copyright', 'usr/share/doc/a/news'];
  const tarOf = (names: readonly string[]): Buffer =>
    makeTar(
      [
        ...['usr', 'usr/bin', 'usr/share', 'usr/share/doc', 'usr/share/doc/a'].map((path) => ({
          path,
          type: '5',
        })),
        ...names.map((path) => ({ path, content: path })),
      ].sort((a, b) => (a.path < b.path ? -1 : 1)),
    );
  const old = oldTree(Object.fromEntries(paths.map((path) => [`/${path}`, path.length])), [
    '/usr',
    '/usr/bin',
    '/usr/share',
    '/usr/share/doc',
    '/usr/share/doc/a',
  ]);

  it('is nothing for files that are the same, but for the header that all share', async () => {
    const tar = tarOf(paths);
    const { streams } = await encodeTars([tar], old, ({ place }) => ({
      kind: 'copy',
      place: place ?? 0,
    }));
    expect(decodeTars(streams, [tar], old)[0]?.equals(tar)).toBe(true);
    // Modes and owners of the test's own headers.
    expect(streams.places.length + streams.names.length + streams.origins.length).toBe(0);
    expect(streams.sizes.length + streams.text.length + streams.exceptions.length).toBe(0);
  });

  it('is little for new, renamed and removed files', async () => {
    const names = ['usr/bin/a', 'usr/bin/a-new', 'usr/share/doc/a/NEWS', 'usr/share/doc/a/news'];
    const tar = tarOf(names);
    const { streams } = await encodeTars([tar], old);
    expect(decodeTars(streams, [tar], old)[0]?.equals(tar)).toBe(true);
    expect(Buffer.from(streams.text).toString()).toContain('-new');
    expect(streams.text.length).toBeLessThan(12);
  });

  it('is nothing for the second file whose version changed in the name', async () => {
    const before = oldTree({ '/a/lib-1.2.8.so': 1, '/b/lib-1.2.8.so': 1, '/c/1.2.8/x': 1 }, [
      '/a',
      '/b',
      '/c',
      '/c/1.2.8',
    ]);
    const tar = makeTar([
      { path: 'a', type: '5' },
      { path: 'a/lib-1.2.11.so', content: 'x' },
      { path: 'b', type: '5' },
      { path: 'b/lib-1.2.11.so', content: 'x' },
      { path: 'c', type: '5' },
      { path: 'c/1.2.11', type: '5' },
      { path: 'c/1.2.11/x', content: 'x' },
    ]);
    const { streams, contents } = await encodeTars([tar], before);
    expect(decodeTars(streams, [tar], before)[0]?.equals(tar)).toBe(true);
    expect(Buffer.from(streams.text).toString('latin1')).toBe('11\0');
    expect(contents.map(({ place }) => before.paths[place ?? -1])).toEqual([
      '/a/lib-1.2.8.so',
      '/b/lib-1.2.8.so',
      '/c/1.2.8/x',
    ]);
  });
});
