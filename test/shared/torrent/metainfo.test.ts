import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import WebTorrent from 'webtorrent';

import { LIMITS } from '../../../shared/limits.js';
import { createTorrent, parseTorrent, pieceLengthFor } from '../../../shared/torrent/metainfo.js';
import { isPieceLength } from '../../../shared/torrent/pieces.js';
import { chunksOf } from '../../support/chunks.js';

const KIB = 1024;

const fileSets = fc.uniqueArray(
  fc.record({
    path: fc
      .array(fc.stringMatching(/^[a-zA-Z0-9+~_-][a-zA-Z0-9+~._ é-]{0,20}$/), {
        minLength: 1,
        maxLength: 3,
      })
      .map((parts) => parts.join('/')),
    length: fc.integer({ min: 1, max: 100_000 }),
  }),
  { minLength: 1, maxLength: 8, selector: (file) => file.path },
);

describe('createTorrent', () => {
  test('what it makes is parsed back as it was given', async () => {
    await fc.assert(
      fc.asyncProperty(fileSets, fc.constantFrom(16, 32, 64), async (files, kib) => {
        const total = files.reduce((sum, file) => sum + file.length, 0);
        const { torrent, infoHash } = await createTorrent({
          name: 'batch',
          files,
          pieceLength: kib * KIB,
          announce: ['http://tracker.example/announce', 'udp://tracker.example:6969'],
          webSeeds: ['http://mirror.example/'],
          content: chunksOf(Buffer.alloc(total, 7), 9999),
        });
        const info = parseTorrent(torrent);
        expect(info.infoHash).toBe(infoHash);
        expect(info.files.map(({ path, length }) => ({ path, length }))).toEqual(files);
        expect(info.pieceCount).toBe(Math.ceil(total / (kib * KIB)));
        expect(info.announce).toHaveLength(2);
        expect(info.webSeeds).toEqual(['http://mirror.example/']);
      }),
      { numRuns: 50 },
    );
  });

  test('the cut of the content into chunks does not matter', async () => {
    const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) & 255));
    const make = (size: number): Promise<{ torrent: Buffer }> =>
      createTorrent({
        name: 'a.deb',
        files: [{ path: 'a.deb', length: content.length }],
        pieceLength: 16 * KIB,
        announce: [],
        webSeeds: [],
        content: chunksOf(content, size),
      });
    const [one, other] = await Promise.all([make(1000), make(65_536)]);
    expect(one.torrent).toEqual(other.torrent);
    expect(parseTorrent(one.torrent).multiFile).toBe(false);
  });

  test('WebTorrent computes the same info hash', async () => {
    const { torrent, infoHash } = await createTorrent({
      name: 'batch',
      files: [
        { path: 'a', length: 20_000 },
        { path: 'b/c', length: 30_000 },
      ],
      pieceLength: 16 * KIB,
      announce: [],
      webSeeds: [],
      content: chunksOf(Buffer.alloc(50_000, 1), 4096),
    });
    const client = new WebTorrent({ dht: false, lsd: false, tracker: false, utp: false });
    try {
      const added = client.add(torrent);
      await new Promise((resolve) => added.once('infoHash', resolve));
      expect(added.infoHash).toBe(infoHash);
    } finally {
      client.destroy();
    }
  });

  test.each([
    ['content shorter than the files', 'a', 'a', 10, 9],
    ['content longer than the files', 'a', 'a', 10, 11],
    ['a path out of the folder', 'a', '../b', 10, 10],
    ['a slash in the name', 'a/b', 'c', 10, 10],
    ['an empty file', 'a', 'a', 0, 0],
  ])('refuses %s', async (_, name, path, length, delivered) => {
    await expect(
      createTorrent({
        name,
        files: [{ path, length }],
        pieceLength: 16 * KIB,
        announce: [],
        webSeeds: [],
        content: chunksOf(Buffer.alloc(delivered), 100),
      }),
    ).rejects.toMatchObject({ code: 'torrent-malformed' });
  });
});

describe('pieceLengthFor', () => {
  test('is always allowed and never gives too many pieces', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: LIMITS.torrentBytes }),
        fc.integer({ min: 1, max: 50_000 }),
        (total, files) => {
          const length = pieceLengthFor(total, files);
          expect(isPieceLength(length)).toBe(true);
          expect(Math.ceil(total / length)).toBeLessThanOrEqual(LIMITS.torrentPieces);
        },
      ),
    );
  });

  test('a batch of small deltas has small pieces', () => {
    expect(pieceLengthFor(1000 * 30_000, 1000)).toBe(16 * KIB);
    expect(pieceLengthFor(1000 * 500_000, 1000)).toBe(64 * KIB);
  });

  test('a single file has some hundred pieces', () => {
    expect(pieceLengthFor(1_000_000)).toBe(16 * KIB);
    expect(pieceLengthFor(15_000_000)).toBe(32 * KIB);
    expect(pieceLengthFor(100_000_000)).toBe(256 * KIB);
    expect(pieceLengthFor(1_000_000_000)).toBe(256 * KIB);
  });
});
