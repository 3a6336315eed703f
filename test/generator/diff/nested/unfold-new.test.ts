import { expect, it } from 'vitest';

import { unfoldNew } from '../../../../generator/diff/nested/unfold-new.js';
import type { Fold } from '../../../../shared/nested/fold.js';
import { encodeFolds } from '../../../../shared/nested/fold-codec.js';
import { foldMany } from '../../../../shared/nested/fold-many.js';
import { unfoldOld } from '../../../../shared/nested/unfold.js';
import { noise } from '../../../support/chunks.js';
import { temporaryFolder } from '../../../support/cleanup.js';
import { decodeFolds } from '../../../support/decode-folds.js';
import { needs } from '../../../support/needs.js';
import { filter, packWithZip, packWithZipfile, packWithZlib } from '../../../support/packers.js';
import { prose } from '../../../support/prose.js';

const text = prose(200_000);
const page = prose(30_000);

/** Unfolds, sends the folds through their codec, folds, and returns what was opened. */
async function roundTrip(files: readonly Buffer[]): Promise<{ content: Buffer; folds: Fold[] }[]> {
  const unfolded = await unfoldNew(files);
  const lengths = files.map((file) => ({ packedLength: file.length }));
  const columns = encodeFolds(
    unfolded.map(({ folds }, i) => ({ packedLength: files[i]?.length ?? 0, folds })),
  );
  const decoded = decodeFolds(columns, lengths);
  expect(decoded).toEqual(unfolded.map(({ folds }) => folds));
  const read = unfolded.map(({ content }, i) => ({ content, folds: decoded[i] ?? [] }));
  const folded = await foldMany(read);
  for (const [i, file] of files.entries()) expect(folded[i]?.equals(file)).toBe(true);
  return read;
}

/** Unfolds one file, which must expand to `pieces` on both sides. */
async function expectOpened(file: Buffer, ...pieces: readonly Buffer[]): Promise<Fold[]> {
  const [unfolded] = await roundTrip([file]);
  if (unfolded === undefined) throw new Error('nothing came back');
  for (const piece of pieces) expect(unfolded.content.includes(piece)).toBe(true);
  expect((await unfoldOld(file)).equals(unfolded.content)).toBe(true);
  return unfolded.folds;
}

const describeWithTools = await needs('python3', 'zip', 'gzip', 'xz', 'zstd');

describeWithTools('unfolding new files', () => {
  it('opens .gz of GNU gzip at every level, many at once', async () => {
    const files = [1, 3, 6, 9].map((level) => filter('gzip', ['-n', `-${level}`], text));
    const opened = await roundTrip([...files, text]);
    expect(opened.map(({ folds }) => folds.length)).toEqual([1, 1, 1, 1, 0]);
  });

  it('opens .gz of zlib, and each of several members', async () => {
    await expectOpened(packWithZlib(text, { level: 9, windowBits: 31 }), text);
    const members = [filter('gzip', ['-9'], text), packWithZlib(page, { windowBits: 31 })];
    const folds = await expectOpened(Buffer.concat([...members, Buffer.alloc(7)]), text, page);
    expect(folds.length).toBe(2);
  });

  it('opens zips of Info-ZIP and Python, without what their headers repeat', async () => {
    const files = { 'a.txt': text, 'deep/page.txt': page, mimetype: Buffer.from('text/plain') };
    for (const level of [1, 6, 9]) {
      const folder = await temporaryFolder();
      const folds = await expectOpened(packWithZipfile(folder, files, level), text, page);
      expect(folds.map((fold) => fold.recipe.kind)).toEqual(['zip']);
    }
    const zipped = packWithZip(await temporaryFolder(), files, ['-X']);
    const [fold] = await expectOpened(zipped, text, page);
    expect(fold?.recipe.kind).toBe('zip');
  });

  it('opens zips that were written to a pipe, with data descriptors', async () => {
    const folder = await temporaryFolder();
    packWithZip(folder, { page, text });
    const script = 'cd "$0" && zip -q - page text | cat';
    const piped = filter('sh', ['-c', script, folder], Buffer.alloc(0));
    await expectOpened(piped, text, page);
  });

  it('opens the entries of an irregular zip one by one', async () => {
    const zip = packWithZipfile(await temporaryFolder(), { text, page });
    // Two bytes of nothing before the directory, whose place the end record tells.
    const directory = zip.indexOf('PK\x01\x02');
    const irregular = Buffer.concat([
      zip.subarray(0, directory),
      noise(2),
      zip.subarray(directory),
    ]);
    irregular.writeUInt32LE(directory + 2, irregular.length - 6);
    const folds = await expectOpened(irregular, text, page);
    expect(folds.map((fold) => fold.recipe.kind)).toEqual(['deflate', 'deflate']);
  });

  it('opens .gz in a zip in a .gz', async () => {
    const inner = filter('gzip', ['-9n'], text);
    const zip = packWithZipfile(await temporaryFolder(), { 'text.gz': inner, mimetype: inner });
    const folds = await expectOpened(filter('gzip', ['-1n'], zip), text);
    expect(folds[0]?.inner[0]?.recipe.kind).toBe('zip');
    expect(folds[0]?.inner[0]?.inner.length).toBe(2);
  });

  it('opens .xz of kernel modules and .zst', async () => {
    const module = ['-T2', '--check=crc32', '--lzma2=dict=1MiB', '-c'];
    await expectOpened(filter('xz', module, text), text);
    await expectOpened(filter('xz', ['-T1', '-9', '-c'], text), text);
    // zstd writes as its version does: opened on the old side, on the new one where it is ours.
    const zst = filter('zstd', ['-19', '-c'], text);
    await roundTrip([zst]);
    expect((await unfoldOld(zst)).equals(text)).toBe(true);
  });

  it('opens zlib streams of any setting inside other formats', async () => {
    const streams = [
      packWithZlib(page, { level: 1 }),
      packWithZlib(page, { level: 4, memLevel: 9 }),
      packWithZlib(page, { level: 9 }),
    ];
    const file = Buffer.concat(streams.flatMap((stream) => [noise(40), stream]));
    expect((await expectOpened(file, page)).length).toBe(3);
  });

  it('leaves what no recipe makes as it is', async () => {
    const foreign = filter('sh', ['-c', 'python3 -c "$0"', SYNC_FLUSHED], Buffer.alloc(0));
    const [unfolded] = await roundTrip([foreign]);
    expect(unfolded?.content.equals(foreign)).toBe(true);
    // The old side needs no recipe.
    expect((await unfoldOld(foreign)).length).toBeGreaterThan(foreign.length);
  });

  it('keeps an entry that no recipe makes packed, and opens the others', async () => {
    const files = { 'a.txt': text, 'b.txt': page };
    const zip = packWithZipfile(await temporaryFolder(), files);
    const stream = packWithZlib(page, { windowBits: -15 });
    const other = packWithZlib(page, { level: 6, memLevel: 3, windowBits: -15 });
    const at = zip.lastIndexOf(stream);
    const bytes = Buffer.concat([zip.subarray(0, at), other, zip.subarray(at + stream.length)]);
    const grown = other.length - stream.length;
    const directory = bytes.lastIndexOf('PK\x01\x02');
    bytes.writeUInt32LE(other.length, bytes.lastIndexOf('PK\x03\x04') + 18);
    bytes.writeUInt32LE(other.length, directory + 20);
    bytes.writeUInt32LE(bytes.readUInt32LE(bytes.length - 6) + grown, bytes.length - 6);
    const [unfolded] = await roundTrip([bytes]);
    expect(unfolded?.content.includes(text)).toBe(true);
    expect(unfolded?.content.includes(other)).toBe(true);
  });
});

const SYNC_FLUSHED = `
import sys, zlib
encoder = zlib.compressobj(9)
data = b''.join(b'line %d of a log that is flushed\\n' % i for i in range(3000))
pieces = [encoder.compress(data[i:i + 700]) + encoder.flush(zlib.Z_SYNC_FLUSH) for i in range(0, len(data), 700)]
sys.stdout.buffer.write(b''.join(pieces) + encoder.flush())
`;
