import type { RequestListener } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';

import { describe, expect, test } from 'vitest';

import { createHttpClient, fetchRange, getBounded } from '../../../client/download/http.js';
import { TooSlowError } from '../../../client/download/steady-body.js';
import { noise } from '../../support/chunks.js';
import { closing } from '../../support/cleanup.js';
import { serving, startHttpServer, startRawServer } from '../../support/http-server.js';

const content = noise(100_000);
const failed = { code: 'http-failed' };

const fetchAll = async (
  url: string,
  range = { start: 0, end: content.length },
): Promise<Buffer> => {
  const got = Buffer.alloc(content.length);
  const write = (offset: number, bytes: Buffer): Promise<void> => {
    bytes.copy(got, offset);
    return Promise.resolve();
  };
  const client = closing(createHttpClient({ stallMilliseconds: 300 }));
  await fetchRange(client, { url, ...range, size: content.length, write });
  return got;
};

const dripping: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-length': content.length });
  const timer = setInterval(() => response.write('x'), 50);
  response.on('close', () => {
    clearInterval(timer);
  });
};

const rawAnswer = (head: string, body: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from(`HTTP/1.1 ${head}\r\n\r\n`), Buffer.from(body)]);

describe('fetchRange', () => {
  test('a whole object and a range of it', async () => {
    const { url } = closing(await startHttpServer(serving({ '/a': content })));
    expect((await fetchAll(`${url}/a`)).equals(content)).toBe(true);
    const part = await fetchAll(`${url}/a`, { start: 500, end: 60_000 });
    expect(part.subarray(500, 60_000).equals(content.subarray(500, 60_000))).toBe(true);
    expect(part.subarray(0, 500).equals(Buffer.alloc(500))).toBe(true);
  });

  test('a server that ignores Range delivers everything', async () => {
    const { url } = closing(await startHttpServer((_, response) => response.end(content)));
    const got = await fetchAll(url, { start: 70_000, end: 80_000 });
    expect(got.equals(content)).toBe(true);
  });

  test('redirects are followed', async () => {
    const { url } = closing(
      await startHttpServer((request, response) => {
        if (request.url === '/a') serving({ '/a': content })(request, response);
        else response.writeHead(302, { location: '/a' }).end();
      }),
    );
    expect((await fetchAll(`${url}/b`)).equals(content)).toBe(true);
  });

  test('one connection serves many requests', async () => {
    const server = closing(await startHttpServer(serving({ '/a': content })));
    const client = closing(createHttpClient());
    for (let i = 0; i < 5; i++) await getBounded(client, `${server.url}/a`, 200_000);
    expect([server.requests(), server.connections()]).toEqual([5, 1]);
  });

  test('a kept connection that the server has ended is no failure', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
    const server = createServer((socket) => {
      socket.once('data', () => {
        socket.write(answer);
        socket.once('data', () => socket.destroy());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing({ close: () => void server.close() });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
    const client = closing(createHttpClient());
    for (let i = 0; i < 3; i++) {
      expect((await getBounded(client, url, 10))?.toString()).toBe('hello');
    }
  });

  test('a connection that is reset in the middle says nothing of the server', async () => {
    const parts = ['bytes 0-3/100000', 'bytes 4-99999/100000', 'bytes 4-99999/100000'];
    let requests = 0;
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        const range = parts[requests++] ?? '';
        const [start = 0, last = 0] = range.match(/\d+/g)?.map(Number) ?? [];
        const length = last + 1 - start;
        socket.write(
          `HTTP/1.1 206 P\r\nContent-Range: ${range}\r\nContent-Length: ${length}\r\n\r\n`,
        );
        if (requests !== 2) socket.write(content.subarray(start, last + 1));
        else socket.write(content.subarray(4, 1000), () => socket.resetAndDestroy());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing({ close: () => void server.close() });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
    const client = closing(createHttpClient({ stallMilliseconds: 300 }));
    const write = (): Promise<void> => Promise.resolve();
    const fetch = (start: number, end: number): Promise<void> =>
      fetchRange(client, { url, start, end, size: content.length, write });
    await fetch(0, 4);
    await expect(fetch(4, 100_000)).rejects.toMatchObject(failed);
    // No second request whose answer nobody reads, and after which the server counts as silent.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(requests).toBe(2);
    await fetch(4, 100_000);
  });

  test('a server that drips is given up', async () => {
    const { url } = closing(await startHttpServer(dripping));
    const error = await fetchAll(url).catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject(failed);
    expect(error).toHaveProperty('cause', expect.any(TooSlowError));
  });

  test('a slow writer is not the fault of the server', async () => {
    const { url } = closing(await startHttpServer(serving({ '/a': content })));
    const client = closing(createHttpClient({ stallMilliseconds: 300 }));
    const write = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 200));
    await fetchRange(client, { url: `${url}/a`, start: 0, end: 100_000, size: 100_000, write });
  });

  test('interim answers without an end are no answer', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 50);
      socket.on('close', () => {
        clearInterval(timer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing({ close: () => void server.close() });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
    await expect(fetchAll(url)).rejects.toMatchObject(failed);
  });

  test.each([
    ['a body that is cut', '200 OK\r\nContent-Length: 100000', content.subarray(0, 5000)],
    ['a body that is cut, without a length', '200 OK\r\nConnection: close', 'short'],
    ['an oversized body', '200 OK\r\nConnection: close', Buffer.concat([content, content])],
    ['another Content-Length', '200 OK\r\nContent-Length: 99999', content.subarray(1)],
    ['a small HTML error page', '200 OK\r\nContent-Type: text/html\r\nConnection: close', '<html>'],
    ['a status', '503 Unavailable\r\nContent-Length: 0', ''],
    ['a missing object', '404 Not Found\r\nContent-Length: 0', ''],
    ['a content coding', '200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 100000', content],
    [
      'another range',
      '206 P\r\nContent-Range: bytes 0-9/100000\r\nContent-Length: 10',
      '0123456789',
    ],
    ['no range', '206 Partial\r\nContent-Length: 100000', content],
    [
      'another size',
      '206 P\r\nContent-Range: bytes 0-99999/100001\r\nContent-Length: 100000',
      content,
    ],
    ['a redirect to a file', '302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0', ''],
    [
      'an endless redirect',
      '302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close',
      '',
    ],
    ['no HTTP at all', 'SSH-2.0-OpenSSH', ''],
  ])('refuses %s', async (_, head, body) => {
    const { url } = closing(await startRawServer(rawAnswer(head, body), 'end'));
    await expect(fetchAll(url)).rejects.toMatchObject(failed);
  });

  test('a server that never answers is given up', async () => {
    const { url } = closing(await startRawServer('', 'hang'));
    await expect(fetchAll(url)).rejects.toMatchObject(failed);
  });

  test('a server that stops in the middle is given up', async () => {
    const half = rawAnswer('200 OK\r\nContent-Length: 100000', content.subarray(0, 50_000));
    const { url } = closing(await startRawServer(half, 'hang'));
    await expect(fetchAll(url)).rejects.toMatchObject(failed);
  });

  test('a silent server is asked once, however many objects it should have', async () => {
    const server = closing(await startRawServer('', 'hang'));
    const client = closing(createHttpClient({ stallMilliseconds: 100 }));
    for (let i = 0; i < 5; i++) {
      const answer = getBounded(client, `${server.url}/${i}`, 100);
      await expect(answer).rejects.toMatchObject(failed);
    }
    expect(server.connections()).toBe(1);
  });

  test('a server that answers at last is asked again', async () => {
    let late = (): void => undefined;
    const { url } = closing(
      await startHttpServer((request, response) => {
        if (request.url === '/late') late = () => response.end();
        else if (request.url !== '/never') response.end();
      }),
    );
    const client = closing(createHttpClient({ stallMilliseconds: 1500 }));
    const never = expect(getBounded(client, `${url}/never`, 9)).rejects.toMatchObject(failed);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const answered = getBounded(client, `${url}/late`, 9);
    await never;
    await expect(getBounded(client, `${url}/a`, 9)).rejects.toMatchObject(failed);
    late();
    await answered;
    expect(await getBounded(client, `${url}/a`, 9)).toHaveLength(0);
  });

  test.each(['ftp://127.0.0.1/a', 'file:///etc/passwd', 'nonsense', 'http://127.0.0.1:1/'])(
    'refuses %s',
    async (url) => {
      await expect(fetchAll(url)).rejects.toMatchObject(failed);
    },
  );
});

test('no message shows a password', async () => {
  const { url } = closing(await startHttpServer((_, response) => response.writeHead(403).end()));
  const address = `${url.replace('//', '//user:secret@')}/a`;
  const message = await fetchAll(address).catch(String);
  expect(message).toContain(`${url}/a`);
  expect(message).not.toMatch(/user|secret/);
});

describe('getBounded', () => {
  const get = (url: string, max: number, signal?: AbortSignal): Promise<Buffer | null> =>
    getBounded(closing(createHttpClient({ stallMilliseconds: 300 })), url, max, signal);

  test('a document, and null when there is none', async () => {
    const { url } = closing(await startHttpServer(serving({ '/a': content })));
    expect((await get(`${url}/a`, 100_000))?.equals(content)).toBe(true);
    expect(await get(`${url}/b`, 100_000)).toBeNull();
  });

  test('an endless document ends at the limit', async () => {
    const { url } = closing(
      await startHttpServer((_, response) => {
        const timer = setInterval(() => response.write(content), 1);
        response.on('close', () => {
          clearInterval(timer);
        });
      }),
    );
    await expect(get(url, 1_000_000)).rejects.toMatchObject({ code: 'limit-exceeded' });
  });

  test('a document that comes fast enough and never ends takes only so long', async () => {
    const { url } = closing(
      await startHttpServer((_, response) => {
        const timer = setInterval(() => response.write(Buffer.alloc(500)), 50);
        response.on('close', () => {
          clearInterval(timer);
        });
      }),
    );
    const client = closing(createHttpClient({ stallMilliseconds: 100 }));
    await expect(getBounded(client, url, 1e9)).rejects.toMatchObject(failed);
  });

  test('an error status is no document', async () => {
    const { url } = closing(await startHttpServer((_, response) => response.writeHead(500).end()));
    await expect(get(url, 100)).rejects.toMatchObject(failed);
  });

  test('can be aborted', async () => {
    const { url } = closing(await startRawServer('', 'hang'));
    await expect(get(url, 100, AbortSignal.timeout(50))).rejects.toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    );
  });
});
