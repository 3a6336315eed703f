import { expect, it } from 'vitest';

import { encodeGzip } from '../../../shared/deb/gzip-encoder.js';
import { chunksOf, collect, noise } from '../../support/chunks.js';
import { needs } from '../../support/needs.js';
import { filter, packWithZlib } from '../../support/packers.js';
import { prose } from '../../support/prose.js';

const PLAIN_HEADER = 10;
const text = prose(700_000);
const content = Buffer.concat([text, Buffer.alloc(300_000), noise(400_000), text]);

async function encode(by: 'gnu' | 'zlib', level: number, bytes: Buffer, size: number) {
  return Buffer.concat(await collect(encodeGzip(by, level, chunksOf(bytes, size))));
}

const describeWithTools = await needs('gzip', 'python3');

describeWithTools('a streaming gzip encoder', () => {
  const lengths = [0, 1, 100_000, 262_144, 262_145, 700_000, content.length];

  it('makes the bytes of GNU gzip', async () => {
    for (const level of [1, 3, 6, 9]) {
      for (const length of lengths) {
        const bytes = content.subarray(0, length);
        const expected = filter('gzip', ['-n', `-${level}`], bytes).subarray(PLAIN_HEADER);
        expect((await encode('gnu', level, bytes, 65_536)).equals(expected)).toBe(true);
      }
    }
  });

  it('makes the bytes of canonical zlib', async () => {
    for (const level of [1, 6, 9]) {
      for (const length of lengths) {
        const bytes = content.subarray(0, length);
        const expected = packWithZlib(bytes, { level, windowBits: 31 }).subarray(PLAIN_HEADER);
        expect((await encode('zlib', level, bytes, 65_536)).equals(expected)).toBe(true);
      }
    }
  });

  it('makes the same of chunks of any size', async () => {
    const expected = await encode('gnu', 6, content, content.length);
    for (const size of [997, 32_768, 300_001, 1_000_000]) {
      expect((await encode('gnu', 6, content, size)).equals(expected)).toBe(true);
    }
  });
});
