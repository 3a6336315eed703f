import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { DebshoalError } from '../../../shared/errors.js';
import { decodeBencode, encodeBencode, type Encodable } from '../../../shared/torrent/bencode.js';
import { parseTorrent } from '../../../shared/torrent/metainfo.js';

type Info = Readonly<Record<string, Encodable | undefined>>;

const good: Info = {
  name: 'batch',
  'piece length': 16_384,
  pieces: Buffer.alloc(40),
  files: [
    { length: 10_000, path: ['a'] },
    { length: 10_000, path: ['b', 'c'] },
  ],
};

const torrentOf = (changes: Info): Buffer => encodeBencode({ info: { ...good, ...changes } });
const refused = { code: 'torrent-malformed' };

test('a torrent without announce is accepted', () => {
  const info = parseTorrent(torrentOf({}));
  expect(info.files[1]).toEqual({ path: 'b/c', length: 10_000, offset: 10_000 });
});

describe('refuses', () => {
  const one = (path: Encodable, length: Encodable = 20_000): Info => ({
    files: [{ length, path }],
  });
  test.each<[string, Info]>([
    ['1 TB with one hash', { files: undefined, length: 1e12, pieces: Buffer.alloc(20) }],
    ['too few hashes', { pieces: Buffer.alloc(20) }],
    ['too many hashes', { pieces: Buffer.alloc(60) }],
    ['a cut hash', { pieces: Buffer.alloc(39) }],
    ['a piece length that is no power of two', { 'piece length': 20_000 }],
    ['a tiny piece length', { 'piece length': 8192, pieces: Buffer.alloc(60) }],
    ['a huge piece length', { 'piece length': 1 << 25, pieces: Buffer.alloc(20) }],
    ['a negative length', one(['a'], -5)],
    ['a length beyond 2^53', one(['a'], 2 ** 60)],
    [
      'an empty file',
      {
        files: [
          { length: 20_000, path: ['a'] },
          { length: 0, path: ['b'] },
        ],
      },
    ],
    ['a path with ..', one(['..', 'etc', 'passwd'])],
    ['a path part with a slash', one(['a/../../b'])],
    ['an absolute path', one(['', 'etc', 'passwd'])],
    ['a NUL in a path', one(['a\0b'])],
    ['a backslash in a path', one(['..\\b'])],
    ['a terminal escape in a path', one(['\u001b[2J'])],
    ['a name that is no UTF-8', { name: Buffer.from([0xff, 0xfe]) }],
    ['a name with a slash', { name: 'a/b' }],
    ['the name ..', { name: '..' }],
    ['an empty path', one([])],
    ['pad files', { files: [{ attr: 'p', length: 20_000, path: ['.pad', '0'] }] }],
    ['two files of the same path', { files: [1, 2].map(() => ({ length: 10_000, path: ['a'] })) }],
    ['length and files at once', { length: 20_000 }],
    ['neither length nor files', { files: undefined }],
    ['BitTorrent v2', { 'meta version': 2 }],
    ['a list as name', { name: ['a'] }],
  ])('%s', (_, changes) => {
    expect(() => parseTorrent(torrentOf(changes))).toThrow(expect.objectContaining(refused));
  });

  test.each([
    ['a negative string length, endless for bencode 4', 'd4:infol-3:'],
    ['unsorted keys', 'd1:bi1e1:ai1ee'],
    ['duplicate keys', 'd1:ai1e1:ai1ee'],
    ['leading zeros', 'd1:ai01ee'],
    ['minus zero', 'd1:ai-0ee'],
    ['nesting as an attack on the stack', 'l'.repeat(100_000)],
    ['an unfinished list', 'li1e'],
    ['data after the end', 'i1ei1e'],
    ['nothing', ''],
  ])('%s', (_, text) => {
    expect(() => parseTorrent(Buffer.from(text))).toThrow(expect.objectContaining(refused));
  });
});

test('random damage never throws anything but torrent-malformed', () => {
  const bytes = torrentOf({});
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = byte;
      try {
        parseTorrent(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(DebshoalError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('bencoding: decode undoes encode', () => {
  const leaves = fc.oneof(fc.maxSafeInteger(), fc.uint8Array({ maxLength: 30 }));
  const values = fc.letrec<{ value: Encodable }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      leaves,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  const plain = (value: unknown): unknown => {
    if (value instanceof Map) {
      return Object.fromEntries([...value].map(([k, v]) => [String(k), plain(v)]));
    }
    if (value instanceof Uint8Array) return Buffer.from(value);
    return Array.isArray(value) ? value.map(plain) : value;
  };
  const buffers = (value: Encodable): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value);
    if (Array.isArray(value)) return value.map((item) => buffers(item as Encodable));
    if (typeof value === 'object') {
      return Object.fromEntries(
        Object.entries(value).map(([k, v]) => [k, buffers(v as Encodable)]),
      );
    }
    return value;
  };
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encodeBencode(value);
      const decoded = decodeBencode(bytes, true);
      expect(decoded.end).toBe(bytes.length);
      expect(plain(decoded.value)).toEqual(buffers(value));
    }),
  );
});
