import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { crc32, gzipSync } from 'node:zlib';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { decompressGzip } from '../../../shared/io/gzip.js';
import { runTool } from '../../../shared/io/run-tool.js';
import { compressXz, decompressXz } from '../../../shared/io/xz.js';
import { errorCode } from '../../support/error-code.js';

const MIB = 1 << 20;
const xzMissing = process.env['CI'] === undefined && !existsSync('/usr/bin/xz');

describe.each([
  { kind: 'xz', compress: compressXz, decompress: decompressXz },
  {
    kind: 'gzip',
    compress: (bytes: Uint8Array) => Promise.resolve(gzipSync(bytes)),
    decompress: decompressGzip,
  },
])('$kind', ({ compress, decompress }) => {
  test('round trip', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 20_000 }), async (bytes) => {
        const expanded = await decompress(await compress(bytes), bytes.length);
        expect(expanded.equals(bytes)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('a bomb ends at the limit, and memory with it', async () => {
    const bomb = await compress(Buffer.alloc(64 * MIB));
    const before = process.memoryUsage.rss();
    expect(await errorCode(decompress(bomb, MIB))).toBe('limit-exceeded');
    expect(process.memoryUsage.rss() - before).toBeLessThan(48 * MIB);
  });

  test('one byte over the limit', async () => {
    const packed = await compress(Buffer.from('abc'));
    expect(await errorCode(decompress(packed, 2))).toBe('limit-exceeded');
    expect(await errorCode(decompress(packed, 0))).toBe('limit-exceeded');
    expect(await errorCode(decompress(packed, 3))).toBe('none');
  });

  test('cut off anywhere', async () => {
    const packed = await compress(randomBytes(5000));
    for (const length of [0, 1, 8, 20, 4096, packed.length - 1]) {
      const cut = packed.subarray(0, length);
      expect(await errorCode(decompress(cut, MIB))).toBe('archive-malformed');
    }
  });

  test('random bytes', async () => {
    expect(await errorCode(decompress(randomBytes(10_000), MIB))).toBe('archive-malformed');
  });

  test('garbage after the end', async () => {
    const packed = Buffer.concat([await compress(Buffer.alloc(10_000)), randomBytes(10_000)]);
    // zlib ignores what is not gzip after a member; hashes of whole files are checked elsewhere.
    expect(['archive-malformed', 'none']).toContain(await errorCode(decompress(packed, MIB)));
  });
});

test.skipIf(xzMissing)('xz reads what compressXz wrote, and the other way round', async () => {
  const bytes = Buffer.from('Package: debshoal\n'.repeat(1000));
  const { stdout } = await runTool('xz', ['-dc'], {
    input: await compressXz(bytes),
    maxOutput: MIB,
  });
  expect(stdout.equals(bytes)).toBe(true);
  const packed = await runTool('xz', ['-9c'], { input: bytes, maxOutput: MIB });
  expect((await decompressXz(packed.stdout, MIB)).equals(bytes)).toBe(true);
});

test('an .xz that asks for 4 GiB of memory', async () => {
  const packed = await compressXz(Buffer.alloc(100));
  // The block header follows the 12 bytes of the stream header; its CRC32 ends it. The byte after
  // LZMA2's id (0x21) and length (1) is the size of the dictionary: 40 means 4 GiB - 1.
  const header = packed.subarray(12, 12 + (packed.readUInt8(12) + 1) * 4);
  header[header.indexOf(Buffer.from([0x21, 0x01])) + 2] = 40;
  const checksum = header.subarray(-4);
  checksum.writeUInt32LE(crc32(header.subarray(0, -4)));
  expect(await errorCode(decompressXz(packed, MIB))).toBe('limit-exceeded');
});
