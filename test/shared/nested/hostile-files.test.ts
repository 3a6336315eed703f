import { constants, crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { LIMITS } from '../../../shared/limits.js';
import { openNested } from '../../../shared/nested/open-nested.js';
import type { NestedNode, NestedStream, ZipStream } from '../../../shared/nested/tree.js';
import { unfoldOld } from '../../../shared/nested/unfold.js';
import { noise } from '../../support/chunks.js';
import { makeZip, zipEntry } from '../../support/make-zip.js';

/** Streams that were found in `bytes`, on the first level. */
async function streams(bytes: Buffer): Promise<NestedNode['streams']> {
  return (await openNested(bytes)).streams;
}

function zipEntries(stream: NestedStream | undefined): ZipStream['entries'] {
  return stream?.kind === 'zip' ? stream.entries : [];
}

async function staysClosed(bytes: Buffer): Promise<boolean> {
  return (await unfoldOld(bytes)).equals(bytes);
}

const MIB = 1 << 20;

/** A deflate stream of so many MiB of zeros, made of one block again and again. */
function deflateBomb(mebibytes: number): Buffer {
  const block = deflateRawSync(Buffer.alloc(MIB), { finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([...Array<Buffer>(mebibytes).fill(block), deflateRawSync('')]);
}

function gzipBomb(mebibytes: number): Buffer {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(Buffer.alloc(mebibytes * MIB)));
  trailer.writeUInt32LE(mebibytes * MIB, 4);
  return Buffer.concat([gzipSync('').subarray(0, 10), deflateBomb(mebibytes), trailer]);
}

const text = Buffer.from('the same line again\n'.repeat(500));

describe('an old file made to do harm', () => {
  it('a .gz bomb stays closed', async () => {
    expect(await streams(gzipBomb(LIMITS.nestedExpandedBytes / MIB + 1))).toEqual([]);
    expect((await streams(gzipBomb(1))).length).toBe(1);
  });

  it('bombs within one zip share one budget', async () => {
    const length = 300 * MIB;
    const entry = { ...zipEntry('bomb', deflateBomb(300), 8), length };
    const node = await openNested(makeZip([entry, entry, entry, entry]));
    expect(zipEntries(node.streams[0]).filter((opened) => opened !== null).length).toBe(1);
  });

  it('entries that claim other lengths than they have stay closed', async () => {
    const packed = deflateRawSync(text);
    for (const length of [0, text.length - 1, text.length + 1, 0xffffffff]) {
      const zip = makeZip([{ ...zipEntry('lie', packed, 8), length }]);
      expect((await unfoldOld(zip)).includes(text)).toBe(false);
    }
  });

  it('a zip that holds itself again and again is opened as often as the depth allows', async () => {
    let quine: Buffer = text;
    for (let i = 0; i < 20; i++) {
      quine = makeZip([
        { ...zipEntry('again.zip', deflateRawSync(quine), 8), length: quine.length },
      ]);
    }
    let depth = 0;
    let node: NestedNode | undefined = await openNested(quine);
    for (; node && node.streams.length > 0; depth++) {
      const stream: NestedStream | undefined = node.streams[0];
      const entry: ZipStream['entries'][number] = zipEntries(stream)[0] ?? null;
      node = entry !== null && 'kind' in entry ? entry.node : undefined;
    }
    expect(depth).toBe(LIMITS.nestedDepth);
  });

  it('.gz within .gz ends at the depth limit', async () => {
    let nested: Buffer = text;
    for (let i = 0; i < 20; i++) nested = gzipSync(nested);
    const content = await unfoldOld(nested);
    expect(content.includes(text)).toBe(false);
    expect(content.length).toBeLessThan(nested.length + 100);
  });

  it('a zip whose entries overlap is no zip', async () => {
    const packed = deflateRawSync(text);
    const zip = makeZip([zipEntry('one', packed, 8), zipEntry('two', packed, 8)]);
    const second = zip.lastIndexOf('PK\x01\x02');
    zip.writeUInt32LE(0, second + 42);
    expect(await staysClosed(zip)).toBe(true);
  });

  it('a zip whose entries lie outside of it is no zip', async () => {
    const packed = deflateRawSync(text);
    for (const [field, value] of [
      [42, 0xfffffff0],
      [42, 0x7fffffff],
      [20, 0xffffffff],
      [20, 100_000],
    ] as const) {
      const zip = makeZip([zipEntry('one', packed, 8)]);
      zip.writeUInt32LE(value, zip.lastIndexOf('PK\x01\x02') + field);
      expect(await staysClosed(zip)).toBe(true);
    }
  });

  it('a central directory of 65,534 entries that are not there is no zip', async () => {
    const zip = makeZip([zipEntry('one', deflateRawSync(text), 8)]);
    const end = zip.length - 22;
    zip.writeUInt16LE(65_534, end + 8);
    zip.writeUInt16LE(65_534, end + 10);
    expect(await staysClosed(zip)).toBe(true);
    // A directory that claims to begin before the file.
    zip.writeUInt32LE(0xffffffff, end + 12);
    expect(await staysClosed(zip)).toBe(true);
  });

  it('damage at any place is survived', async () => {
    const gz = gzipSync(text);
    const zip = makeZip([zipEntry('one', deflateRawSync(text), 8), zipEntry('two', gz, 0)]);
    const all = Buffer.concat([zip, noise(20), deflateSync(text), gz]);
    for (const file of [gz, zip, all]) {
      for (let at = 0; at < file.length; at += 3) {
        const damaged = Buffer.from(file);
        damaged[at] = (damaged[at] ?? 0) ^ 0xff;
        expect(await unfoldOld(damaged)).toBeInstanceOf(Buffer);
        expect(await unfoldOld(file.subarray(0, at))).toBeInstanceOf(Buffer);
      }
    }
  });

  it('a thousand damaged bombs are not expanded one after the other', async () => {
    const bomb = deflateSync(Buffer.alloc(64 * MIB));
    bomb.writeUInt32BE(0, bomb.length - 4);
    const good = deflateSync(Buffer.concat([noise(100), text]));
    const file = Buffer.concat([noise(10), ...Array<Buffer>(1000).fill(bomb), good]);
    // The budget is gone long before the good one.
    expect(await streams(file)).toEqual([]);
  });

  it('a file of nothing but beginnings of streams ends', async () => {
    const headers = Buffer.alloc(8 << 20, Buffer.from([0x78, 0x9c]));
    expect(await staysClosed(headers)).toBe(true);
    // Each looks like a stream of fixed codes, and is cut off by the next.
    const begun = deflateSync(Buffer.from('abcdefghijklmnop')).subarray(0, 14);
    expect(await staysClosed(Buffer.concat(Array<Buffer>(2000).fill(begun)))).toBe(true);
  });

  it('chunks of a PNG that lie outside of it are no picture', async () => {
    const signature = Buffer.from('89504e470d0a1a0a', 'hex');
    const chunk = Buffer.from('ffffffff49444154789c', 'hex');
    expect(await staysClosed(Buffer.concat([signature, chunk, deflateSync(text)]))).toBe(false);
    const cut = Buffer.from('0000ffff4944415400000000', 'hex');
    expect(await staysClosed(Buffer.concat([signature, cut]))).toBe(true);
  });
});
