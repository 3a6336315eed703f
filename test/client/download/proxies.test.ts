import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { createHttpClient, fetchRange, getBounded } from '../../../client/download/http.js';
import { noise } from '../../support/chunks.js';
import { closing, temporaryFolder, until } from '../../support/cleanup.js';
import { serving, startHttpServer } from '../../support/http-server.js';
import { needs } from '../../support/needs.js';

const describeHere = await needs('tinyproxy');
const content = noise(300_000);

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });

/** A real proxy, and what it has logged. */
const startProxy = async (
  lines: readonly string[] = [],
): Promise<{ url: string; log: () => Promise<string> }> => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const log = join(folder, 'log');
  const config = join(folder, 'tinyproxy.conf');
  const basic = [`Port ${port}`, 'Listen 127.0.0.1', `LogFile "${log}"`, 'LogLevel Connect'];
  await writeFile(config, [...basic, 'Timeout 60', ...lines, ''].join('\n'));
  const proxy = spawn('tinyproxy', ['-d', '-c', config], { stdio: 'ignore' });
  const ended = once(proxy, 'exit');
  closing({
    close: async () => {
      proxy.kill();
      await ended;
    },
  });
  const read = (): Promise<string> => readFile(log, 'utf8').catch(() => '');
  await until(() => answers(port));
  return { url: `http://127.0.0.1:${port}`, log: read };
};

describeHere('through a proxy', () => {
  test('whole objects and ranges come, over kept connections', async () => {
    const server = closing(await startHttpServer(serving({ '/a': content })));
    const proxy = await startProxy();
    const findProxy = (): Promise<string> => Promise.resolve(proxy.url);
    const client = closing(createHttpClient({ findProxy }));
    const url = `${server.url}/a`;
    for (let i = 0; i < 3; i++) {
      expect((await getBounded(client, url, 400_000))?.equals(content)).toBe(true);
    }
    const got: Buffer[] = [];
    const write = (_offset: number, bytes: Buffer): Promise<void> => {
      got.push(Buffer.from(bytes));
      return Promise.resolve();
    };
    const range = { start: 1000, end: 2000 };
    await fetchRange(client, { url, ...range, size: content.length, write });
    expect(Buffer.concat(got).equals(content.subarray(1000, 2000))).toBe(true);
    expect(await proxy.log()).toContain('GET');
  });

  test('a proxy that wants a password gets that of its address', async () => {
    const server = closing(await startHttpServer(serving({ '/a': content })));
    const { url: bare } = await startProxy(['BasicAuth me secret']);
    const fetchBy = (proxy: string): Promise<Buffer | null> =>
      getBounded(
        closing(createHttpClient({ findProxy: () => Promise.resolve(proxy) })),
        `${server.url}/a`,
        400_000,
      );
    expect((await fetchBy(bare.replace('//', '//me:secret@')))?.length).toBe(content.length);
    await expect(fetchBy(bare)).rejects.toMatchObject({ code: 'http-failed' });
  });

  test('what is secure goes through a tunnel', async () => {
    const proxy = await startProxy();
    const client = closing(
      createHttpClient({
        findProxy: () => Promise.resolve(proxy.url),
        stallMilliseconds: 2000,
      }),
    );
    // Not TLS: what matters is how the proxy was asked.
    const server = closing(await startHttpServer(serving({})));
    const secure = server.url.replace('http:', 'https:');
    await expect(getBounded(client, `${secure}/a`, 100)).rejects.toMatchObject({
      code: 'http-failed',
    });
    expect(await proxy.log()).toContain('CONNECT');
  });

  test('one that is not there, or is none, is a failure, not a way around it', async () => {
    const server = closing(await startHttpServer(serving({ '/a': content })));
    for (const [proxy, code] of [
      [`http://127.0.0.1:${await freePort()}`, 'http-failed'],
      ['socks5h://127.0.0.1:1', 'config-invalid'],
      ['nonsense', 'config-invalid'],
    ] as const) {
      const client = closing(createHttpClient({ findProxy: () => Promise.resolve(proxy) }));
      await expect(getBounded(client, `${server.url}/a`, 100)).rejects.toMatchObject({ code });
    }
    expect(server.requests()).toBe(0);
  });
});
