import { execFile } from 'node:child_process';
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseRange } from '../../../generator/serve/range-header.js';
import {
  serveStatic,
  type ServedRequest,
  type StaticOptions,
} from '../../../generator/serve/static-files.js';
import { noise } from '../../support/chunks.js';
import { closing, temporaryFolder, until } from '../../support/cleanup.js';

const content = noise(100_000);

const site = async (
  more: Partial<StaticOptions> = {},
): Promise<{ folder: string; url: string; port: number }> => {
  const parent = await temporaryFolder();
  const folder = join(parent, 'site');
  await mkdir(join(folder, 'pool'), { recursive: true });
  await writeFile(join(folder, 'pool', 'a+b_1.deb'), content);
  await writeFile(join(folder, '.secret'), 'hidden');
  await writeFile(join(parent, 'outside'), 'outside');
  const { port } = {
    ...closing(await serveStatic(folder, { host: '127.0.0.1', port: 0, ...more })),
  };
  return { folder, port, url: `http://127.0.0.1:${port}` };
};

/** The status line for a request that no well-behaved client would send. */
const rawStatus = (port: number, target: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    });
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('close', () => {
      resolve(answer.split('\r\n')[0] ?? '');
    });
    socket.on('error', reject);
  });

describe('files', () => {
  test('GET, HEAD, percent-encoding and a query', async () => {
    const { url } = await site();
    const response = await fetch(`${url}/pool/a%2Bb_1.deb?x=1`);
    expect(content.equals(Buffer.from(await response.arrayBuffer()))).toBe(true);
    const head = await fetch(`${url}/pool/a+b_1.deb`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('100000');
    expect((await head.arrayBuffer()).byteLength).toBe(0);
  });

  test.each([
    ['bytes=0-0', 206, 0, 1],
    ['bytes=99999-', 206, 99_999, 100_000],
    ['bytes=-10', 206, 99_990, 100_000],
    ['bytes=50-999999', 206, 50, 100_000],
    ['bytes=-999999', 206, 0, 100_000],
    ['bytes=5-3', 200, 0, 100_000],
    ['bytes=0-1,5-6', 200, 0, 100_000],
    ['lines=1-2', 200, 0, 100_000],
  ])('Range %s', async (range, status, start, end) => {
    const { url } = await site();
    const response = await fetch(`${url}/pool/a+b_1.deb`, { headers: { range } });
    expect(response.status).toBe(status);
    const body = Buffer.from(await response.arrayBuffer());
    expect(content.subarray(start, end).equals(body)).toBe(true);
    if (status === 206) {
      expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/100000`);
    }
  });

  test.each(['bytes=100000-', 'bytes=-0'])('Range %s cannot be satisfied', async (range) => {
    const { url } = await site();
    const response = await fetch(`${url}/pool/a+b_1.deb`, { headers: { range } });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe('bytes */100000');
  });

  test('a conditional range of another version gives the whole new file', async () => {
    const { url, folder } = await site();
    const path = join(folder, 'pool', 'a+b_1.deb');
    const get = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${url}/pool/a+b_1.deb`, { headers });
    const first = await get({});
    const etag = first.headers.get('etag') ?? '';
    const date = first.headers.get('last-modified') ?? '';
    expect((await get({ range: 'bytes=0-9', 'if-range': etag })).status).toBe(206);
    expect((await get({ range: 'bytes=0-9', 'if-range': date })).status).toBe(206);
    expect((await get({ 'if-none-match': etag })).status).toBe(304);
    expect((await get({ 'if-modified-since': date })).status).toBe(304);
    await writeFile(`${path}.new`, noise(100_000, 2));
    await rename(`${path}.new`, path);
    expect((await get({ range: 'bytes=0-9', 'if-range': etag })).status).toBe(200);
    expect((await get({ 'if-none-match': etag })).status).toBe(200);
  });

  test('an empty file', async () => {
    const { url, folder } = await site();
    await writeFile(join(folder, 'empty'), '');
    const response = await fetch(`${url}/empty`);
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  test('other methods are refused', async () => {
    const { url } = await site();
    expect((await fetch(`${url}/pool/a+b_1.deb`, { method: 'DELETE' })).status).toBe(405);
  });

  test('requests are reported', async () => {
    const seen: ServedRequest[] = [];
    const { url } = await site({ onRequest: (request) => seen.push(request) });
    await (await fetch(`${url}/pool/a+b_1.deb`)).arrayBuffer();
    await (await fetch(`${url}/none`)).arrayBuffer();
    await until(() => seen.length === 2);
    expect(seen).toMatchObject([
      { method: 'GET', url: '/pool/a+b_1.deb', status: 200, bytes: 100_000 },
      { status: 404, bytes: 0 },
    ]);
  });

  test('who leaves before the end is reported, with about what was sent', async () => {
    const seen: ServedRequest[] = [];
    const { url } = await site({
      bytesPerSecond: 100_000,
      onRequest: (request) => seen.push(request),
    });
    const leaving = new AbortController();
    const response = await fetch(`${url}/pool/a+b_1.deb`, { signal: leaving.signal });
    expect(response.status).toBe(200);
    leaving.abort();
    await until(() => seen.length === 1);
    expect(seen).toMatchObject([{ status: 200, complete: false }]);
  });

  test.each([
    ['deltas/b/a.delta', 'public, max-age=31536000, immutable'],
    ['torrents/b.torrent', 'public, max-age=31536000, immutable'],
    [`dists/s/main/by-hash/SHA256/${'a'.repeat(64)}`, 'public, max-age=31536000, immutable'],
    ['dists/s/InRelease', 'no-cache'],
    ['pool/a+b_1.deb', 'public, max-age=86400'],
    ['torrents/whitelist', null],
  ])('caches are told about %s', async (path, expected) => {
    const { folder, url } = await site();
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), 'x');
    const response = await fetch(`${url}/${path}`, { method: 'HEAD' });
    expect(response.headers.get('cache-control')).toBe(expected);
  });

  test('the rate limit holds over all responses', async () => {
    const { url } = await site({ bytesPerSecond: 400_000 });
    const startedAt = performance.now();
    const get = async (): Promise<ArrayBuffer> =>
      (await fetch(`${url}/pool/a+b_1.deb`)).arrayBuffer();
    await Promise.all([get(), get()]);
    // 200 kB at 400 kB/s, less the last chunks, which need not be waited for.
    expect(performance.now() - startedAt).toBeGreaterThan(150);
  });
});

describe('attacks', () => {
  test.each([
    '/../outside',
    '/pool/../../outside',
    '/%2e%2e/outside',
    '/%2e%2e%2foutside',
    '/..%2foutside',
    '/..%5coutside',
    '/%252e%252e/outside',
    '//etc/passwd',
    '/pool//a+b_1.deb',
    '/etc/passwd%00.deb',
    '/%c0%ae%c0%ae/outside',
    '/%zz',
    '/.secret',
    '/%2esecret',
    '/pool/.',
    '/pool',
    '/pool/',
    '/',
    'http://127.0.0.1/../outside',
    '*',
  ])('%s finds nothing', async (target) => {
    const { port } = await site();
    expect(await rawStatus(port, target)).toMatch(/^HTTP\/1\.1 40[04]/);
  });

  test('symbolic links lead nowhere outside or hidden, but work inside', async () => {
    const { url, folder } = await site();
    await symlink('../outside', join(folder, 'file-link'));
    await symlink('..', join(folder, 'folder-link'));
    await symlink('.secret', join(folder, 'secret-link'));
    await symlink('pool/a+b_1.deb', join(folder, 'good-link'));
    const status = async (path: string): Promise<number> => {
      const response = await fetch(`${url}${path}`);
      await response.arrayBuffer();
      return response.status;
    };
    expect(await status('/file-link')).toBe(404);
    expect(await status('/folder-link/outside')).toBe(404);
    expect(await status('/secret-link')).toBe(404);
    expect(await status('/good-link')).toBe(200);
  });

  test('a named pipe does not hang the server', async () => {
    const { url, folder } = await site();
    await promisify(execFile)('mkfifo', [join(folder, 'pipe')]);
    expect((await fetch(`${url}/pipe`)).status).toBe(404);
  });
});

test('a range is always inside the file', () => {
  const header = fc.oneof(
    fc.string(),
    fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `bytes=${a}-${b}`),
  );
  fc.assert(
    fc.property(header, fc.nat(1000), (text, size) => {
      const range = parseRange(text, size);
      if (range === null || range === 'unsatisfiable') return;
      expect(range.start).toBeGreaterThanOrEqual(0);
      expect(range.start).toBeLessThan(range.end);
      expect(range.end).toBeLessThanOrEqual(size);
    }),
  );
});
