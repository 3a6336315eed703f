import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import {
  downloadObjects,
  type DownloadObject,
  type DownloadOptions,
  type DownloadResult,
} from '../../../client/download/download-objects.js';
import { createHttpClient } from '../../../client/download/http.js';
import { sha256 } from '../../../shared/io/hash.js';
import { startSwarm, type Swarm, type SwarmOptions } from '../../../shared/swarm/swarm.js';
import { killSwarm } from '../../support/kill-swarm.js';
import { noise } from '../../support/chunks.js';
import { closing, temporaryFolder } from '../../support/cleanup.js';
import { serving, startHttpServer, startRawServer } from '../../support/http-server.js';
import { startRawPeer } from '../../../bench/swarm/raw-peer.js';
import { makeTorrent, type MadeTorrent } from '../../support/torrents.js';

const host = '127.0.0.1';
const dead = 'http://127.0.0.1:1/x';
const MIB = 1024 * 1024;

const startPeer = async (
  made: MadeTorrent,
  options: Partial<SwarmOptions> = {},
): Promise<{ swarm: Swarm; address: string }> => {
  const swarm = closing(await startSwarm({ host, upload: true, ...options }));
  await swarm.seed({ torrent: made.torrent, paths: made.paths, trackers: [] });
  return { swarm, address: `${host}:${swarm.port}` };
};
const ownSwarm = async (): Promise<Swarm> => closing(await startSwarm({ host, upload: false }));

const optionsFor = (folder: string, more: Partial<DownloadOptions> = {}): DownloadOptions => ({
  partialFolder: join(folder, 'partial'),
  http: closing(createHttpClient({ stallMilliseconds: 500 })),
  swarm: null,
  stallMilliseconds: 1500,
  ...more,
});

const objectOf = (
  folder: string,
  id: string,
  content: Buffer,
  more: Partial<DownloadObject> = {},
): DownloadObject => ({
  id,
  sha256: sha256(content),
  size: content.length,
  urls: [],
  torrent: null,
  target: join(folder, 'done', id),
  ...more,
});

const collect = async (
  objects: DownloadObject[],
  options: DownloadOptions,
): Promise<Map<string, DownloadResult>> => {
  const results = new Map<string, DownloadResult>();
  for await (const result of downloadObjects(objects, options)) results.set(result.id, result);
  return results;
};
const arrived = async (folder: string, id: string, content: Buffer): Promise<boolean> =>
  content.equals(await readFile(join(folder, 'done', id)));

describe('HTTP alone', () => {
  test('objects arrive in order of completion, and nothing partial is left', async () => {
    const folder = await temporaryFolder();
    const contents = { '/a': noise(10, 1), '/b': noise(3 * MIB, 2), '/c': noise(70_000, 3) };
    const { url } = closing(await startHttpServer(serving(contents)));
    const objects = Object.entries(contents).map(([path, content]) =>
      objectOf(folder, path.slice(1), content, { urls: [`${url}${path}`] }),
    );
    const results = await collect(objects, optionsFor(folder));
    expect([...results.values()].every(({ ok }) => ok)).toBe(true);
    expect(results.get('b')).toMatchObject({ httpBytes: 3 * MIB, peerBytes: 0 });
    expect(await arrived(folder, 'b', contents['/b'])).toBe(true);
    expect(await readdir(join(folder, 'partial'))).toEqual([]);
  });

  test('the second URL is used when the first one fails', async () => {
    const folder = await temporaryFolder();
    const content = noise(1000);
    const { url } = closing(await startHttpServer(serving({ '/a': content })));
    const cut = closing(
      await startRawServer('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc', 'end'),
    );
    const urls = [dead, cut.url, `${url}/404`, `${url}/a`];
    const results = await collect([objectOf(folder, 'a', content, { urls })], optionsFor(folder));
    expect(results.get('a')?.ok).toBe(true);
    expect(await arrived(folder, 'a', content)).toBe(true);
  });

  test('one failed object does not stop the others', async () => {
    const folder = await temporaryFolder();
    const content = noise(1000);
    const { url } = closing(await startHttpServer(serving({ '/a': content })));
    const results = await collect(
      [
        objectOf(folder, 'bad', noise(2000), { urls: [dead] }),
        objectOf(folder, 'nowhere', noise(3000)),
        objectOf(folder, 'a', content, { urls: [`${url}/a`] }),
        objectOf(folder, 'again', content, { urls: [`${url}/a`] }),
      ],
      optionsFor(folder),
    );
    expect(results.get('bad')).toMatchObject({ ok: false, error: { code: 'http-failed' } });
    expect(results.get('nowhere')).toMatchObject({ ok: false, error: { code: 'swarm-failed' } });
    expect(results.get('again')).toMatchObject({ ok: false, error: { code: 'usage' } });
    expect(results.get('a')?.ok).toBe(true);
  });

  test('content with another SHA-256 is tried once more, then refused', async () => {
    const folder = await temporaryFolder();
    const [right, wrong] = [noise(1000, 1), noise(1000, 2)];
    let first = true;
    const server = closing(
      await startHttpServer((request, response) => {
        const lie = request.url === '/wrong' || first;
        first = false;
        response.end(lie ? wrong : right);
      }),
    );
    const object = objectOf(folder, 'a', right, { urls: [`${server.url}/right`] });
    expect((await collect([object], optionsFor(folder))).get('a')?.ok).toBe(true);
    expect(server.requests()).toBe(2);
    const lied = { ...object, urls: [`${server.url}/wrong`], target: join(folder, 'no') };
    expect((await collect([lied], optionsFor(folder))).get('a')).toMatchObject({
      ok: false,
      error: { code: 'hash-mismatch' },
    });
    expect(server.requests()).toBe(4);
    expect(await readdir(folder)).not.toContain('no');
  });

  test('an abort leaves part files that the next run resumes', async () => {
    const folder = await temporaryFolder();
    const content = noise(2 * MIB);
    const slow = closing(await startHttpServer(serving({ '/a': content }, 2 * MIB)));
    const abort = new AbortController();
    const object = objectOf(folder, 'a', content, { urls: [`${slow.url}/a`] });
    const run = collect([object], optionsFor(folder, { signal: abort.signal }));
    setTimeout(() => {
      abort.abort();
    }, 400);
    await expect(run).rejects.toMatchObject({ code: 'interrupted' });
    expect((await readdir(join(folder, 'partial'))).sort()).toEqual([
      `${object.sha256}.part`,
      `${object.sha256}.part.json`,
    ]);
    const fast = closing(await startHttpServer(serving({ '/a': content })));
    const again = { ...object, urls: [`${fast.url}/a`] };
    const result = (await collect([again], optionsFor(folder))).get('a');
    expect(result?.ok === true && result.httpBytes < content.length).toBe(true);
    expect(await arrived(folder, 'a', content)).toBe(true);
  });

  test('a damaged part file is found out and fetched again', async () => {
    const folder = await temporaryFolder();
    const content = noise(1000);
    const { url } = closing(await startHttpServer(serving({ '/a': content })));
    const object = objectOf(folder, 'a', content, { urls: [`${url}/a`] });
    const { openPartFile } = await import('../../../client/download/part-file.js');
    await mkdir(join(folder, 'partial'));
    const part = await openPartFile(join(folder, 'partial'), object.sha256, object.size);
    await part.write(0, noise(1000, 9));
    await part.close();
    expect((await collect([object], optionsFor(folder))).get('a')?.ok).toBe(true);
  });
});

describe('peers alone', () => {
  test('objects of a batch and a single one arrive without HTTP', async () => {
    const folder = await temporaryFolder();
    const files = { a: noise(100_000, 1), 'b/c': noise(50_000, 2), d: noise(30_000, 3) };
    const batch = await makeTorrent(join(folder, 'seed'), 'batch', files);
    const single = await makeTorrent(join(folder, 'seed'), 'e.deb', { 'e.deb': noise(400_000, 4) });
    const { swarm, address } = await startPeer(batch);
    await swarm.seed({ torrent: single.torrent, paths: single.paths, trackers: [] });
    const torrent = batch.torrent;
    const results = await collect(
      [
        objectOf(folder, 'a', files.a, { torrent: { torrent, filePath: 'a' } }),
        objectOf(folder, 'c', files['b/c'], {
          urls: [dead],
          torrent: { torrent, filePath: 'b/c' },
        }),
        objectOf(folder, 'e', noise(400_000, 4), {
          torrent: { torrent: single.torrent, filePath: null },
        }),
      ],
      optionsFor(folder, { swarm: await ownSwarm(), peers: [address] }),
    );
    expect(results.get('a')).toMatchObject({
      ok: true,
      peerBytes: 100_000,
      // This machine itself is of its own networks.
      localBytes: 100_000,
      httpBytes: 0,
    });
    expect(results.get('c')).toMatchObject({ ok: true, peerBytes: 50_000 });
    expect(results.get('e')).toMatchObject({ ok: true, peerBytes: 400_000 });
    expect(await arrived(folder, 'c', files['b/c'])).toBe(true);
    expect((await readdir(join(folder, 'done'))).sort()).toEqual(['a', 'c', 'e']);
    expect(await readdir(join(folder, 'partial'))).toEqual([]);
  });

  test('more torrents than may be joined at a time', async () => {
    const folder = await temporaryFolder();
    const swarm = closing(await startSwarm({ host, upload: true }));
    const objects = [];
    for (let i = 0; i < 6; i++) {
      const content = noise(20_000, i);
      const made = await makeTorrent(join(folder, 'seed'), `o${i}`, { [`o${i}`]: content });
      await swarm.seed({ torrent: made.torrent, paths: made.paths, trackers: [] });
      const torrent = { torrent: made.torrent, filePath: null };
      objects.push(objectOf(folder, `o${i}`, content, { torrent }));
    }
    const results = await collect(
      objects,
      optionsFor(folder, {
        swarm: await ownSwarm(),
        peers: [`${host}:${swarm.port}`],
        maxTorrents: 2,
      }),
    );
    expect([...results.values()].filter(({ ok }) => ok)).toHaveLength(6);
  });

  test('nobody there: the object fails after the stall time', async () => {
    const folder = await temporaryFolder();
    const content = noise(50_000);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const torrent = { torrent: made.torrent, filePath: null };
    const results = await collect(
      [objectOf(folder, 'a', content, { torrent, urls: [dead] })],
      optionsFor(folder, { swarm: await ownSwarm() }),
    );
    expect(results.get('a')).toMatchObject({ ok: false, error: { code: 'swarm-failed' } });
  });

  test.each([
    ['lies about its length', 49_999, null],
    ['has no such file', 50_000, 'other'],
  ])('a torrent that %s is not used', async (_, length, filePath) => {
    const folder = await temporaryFolder();
    const content = noise(50_000);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content.subarray(0, length) });
    const results = await collect(
      [objectOf(folder, 'a', content, { torrent: { torrent: made.torrent, filePath } })],
      optionsFor(folder, { swarm: await ownSwarm() }),
    );
    expect(results.get('a')).toMatchObject({ ok: false, error: { code: 'swarm-failed' } });
  });
});

describe('both', () => {
  test('a large object comes from both, also when HTTP is slow to begin', async () => {
    const folder = await temporaryFolder();
    const content = noise(8 * MIB);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const { swarm: seeder, address } = await startPeer(made, { uploadBytesPerSecond: MIB });
    let uploaded = 0;
    const peerDelivers = new Promise<void>((resolve) => {
      seeder.onUpload(({ local }) => {
        uploaded += local;
        if (uploaded > MIB) resolve();
      });
    });
    const serve = serving({ '/a': content }, 4 * MIB);
    const { url } = closing(
      await startHttpServer((request, response) => {
        void peerDelivers.then(() => {
          serve(request, response);
        });
      }),
    );
    const torrent = { torrent: made.torrent, filePath: null };
    const object = objectOf(folder, 'a', content, { urls: [`${url}/a`], torrent });
    const http = closing(createHttpClient());
    const options = optionsFor(folder, { swarm: await ownSwarm(), peers: [address], http });
    const result = (await collect([object], options)).get('a');
    expect(result).toMatchObject({ ok: true });
    if (result?.ok !== true) return;
    expect(result.peerBytes + result.httpBytes).toBe(content.length);
    expect(Math.min(result.peerBytes, result.httpBytes)).toBeGreaterThan(MIB);
    expect(await arrived(folder, 'a', content)).toBe(true);
  });

  test('a client that offers what it has, and meets nobody, asks the server for two halves', async () => {
    const folder = await temporaryFolder();
    const content = noise(4 * MIB);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const server = closing(await startHttpServer(serving({ '/a': content }, 2 * MIB)));
    const swarm = closing(await startSwarm({ host, upload: true }));
    const torrent = { torrent: made.torrent, filePath: null };
    const object = objectOf(folder, 'a', content, { urls: [`${server.url}/a`], torrent });
    const results = await collect([object], optionsFor(folder, { swarm }));
    expect(results.get('a')).toMatchObject({ ok: true, httpBytes: content.length });
    // What comes first may end when the torrent is joined, or where a peer would have begun.
    expect(server.requests()).toBeLessThanOrEqual(4);
  });

  test('clients share what each of them has from HTTP', async () => {
    const folder = await temporaryFolder();
    const content = noise(3 * MIB);
    // Slow enough that peers have met long before it ends, also on a busy machine.
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const { url } = closing(await startHttpServer(serving({ '/a': content }, MIB / 8)));
    const swarms = await Promise.all(
      [1, 2, 3].map(async () => closing(await startSwarm({ host, upload: true }))),
    );
    const peers = swarms.map(({ port }) => `${host}:${port}`);
    const results = await Promise.all(
      swarms.map(async (swarm, index) => {
        const own = join(folder, String(index));
        const torrent = { torrent: made.torrent, filePath: null };
        const object = objectOf(own, 'a', content, { urls: [`${url}/a`], torrent });
        return (await collect([object], optionsFor(own, { swarm, peers }))).get('a');
      }),
    );
    const bytes = results.map((result) => (result?.ok === true ? result.httpBytes : NaN));
    // Alone, each would have all of it from HTTP.
    expect(bytes.reduce((sum, some) => sum + some)).toBeLessThan(2 * content.length);
  });

  test('the swarm process is killed in the middle: HTTP finishes', async () => {
    const folder = await temporaryFolder();
    const content = noise(3 * MIB);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const { address } = await startPeer(made, { uploadBytesPerSecond: MIB });
    const { url } = closing(await startHttpServer(serving({ '/a': content }, MIB)));
    const swarm = await ownSwarm();
    const torrent = { torrent: made.torrent, filePath: null };
    const object = objectOf(folder, 'a', content, { urls: [`${url}/a`], torrent });
    const run = collect([object], optionsFor(folder, { swarm, peers: [address] }));
    await killSwarm(swarm, await killSwarm(swarm));
    expect((await run).get('a')).toMatchObject({ ok: true });
    expect(await arrived(folder, 'a', content)).toBe(true);
  });

  test('HTTP dies in the middle: peers finish', async () => {
    const folder = await temporaryFolder();
    const content = noise(2 * MIB);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const { address } = await startPeer(made);
    const half = Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n`),
      content.subarray(0, 10_000),
    ]);
    const { url } = closing(await startRawServer(half, 'hang'));
    const torrent = { torrent: made.torrent, filePath: null };
    const object = objectOf(folder, 'a', content, { urls: [url], torrent });
    const options = optionsFor(folder, { swarm: await ownSwarm(), peers: [address] });
    expect((await collect([object], options)).get('a')).toMatchObject({ ok: true });
    expect(await arrived(folder, 'a', content)).toBe(true);
  });

  test('the only peer lies: HTTP finishes', async () => {
    const folder = await temporaryFolder();
    const content = noise(MIB);
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: content });
    const liar = closing(
      await startRawPeer(made.info, { answer: (_, __, length) => Buffer.alloc(length, 66) }),
    );
    const { url } = closing(await startHttpServer(serving({ '/a': content }, 2 * MIB)));
    const torrent = { torrent: made.torrent, filePath: null };
    const object = objectOf(folder, 'a', content, { urls: [`${url}/a`], torrent });
    const options = optionsFor(folder, { swarm: await ownSwarm(), peers: [liar.address] });
    expect((await collect([object], options)).get('a')).toMatchObject({ ok: true, peerBytes: 0 });
    expect(await arrived(folder, 'a', content)).toBe(true);
  });

  test('a torrent of other content: HTTP alone delivers the right one', async () => {
    const folder = await temporaryFolder();
    const [right, wrong] = [noise(MIB, 1), noise(MIB, 2)];
    const made = await makeTorrent(join(folder, 'seed'), 'a', { a: wrong });
    const { address } = await startPeer(made);
    const { url } = closing(await startHttpServer(serving({ '/a': right }, 2 * MIB)));
    const torrent = { torrent: made.torrent, filePath: null };
    const object = objectOf(folder, 'a', right, { urls: [`${url}/a`], torrent });
    const options = optionsFor(folder, { swarm: await ownSwarm(), peers: [address] });
    expect((await collect([object], options)).get('a')).toMatchObject({ ok: true, peerBytes: 0 });
    expect(await arrived(folder, 'a', right)).toBe(true);
  });

  test('leaving early stops everything', async () => {
    const folder = await temporaryFolder();
    const contents = { '/a': noise(1000, 1), '/b': noise(4 * MIB, 2) };
    const { url } = closing(await startHttpServer(serving(contents, 200_000)));
    const objects = Object.entries(contents).map(([path, content]) =>
      objectOf(folder, path.slice(1), content, { urls: [`${url}${path}`] }),
    );
    for await (const { id } of downloadObjects(objects, optionsFor(folder))) {
      expect(id).toBe('a');
      break;
    }
    expect(await readdir(join(folder, 'partial'))).toHaveLength(2);
  });
});
