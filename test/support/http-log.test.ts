import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { withTemporaryFolder } from '../../shared/io/files.js';
import { type HttpLog, serveWithLog } from './http-log.js';

function serving(use: (server: HttpLog) => Promise<void>): Promise<void> {
  return withTemporaryFolder(async (folder) => {
    await writeFile(join(folder, 'a~1.deb'), '0123456789');
    const server = await serveWithLog(folder);
    try {
      await use(server);
    } finally {
      await server.close();
    }
  });
}

test('a file, a part of it, nothing new, nothing there: each in the log', () =>
  serving(async (server) => {
    const url = `${server.url}/a%7e1.deb`;
    const whole = await fetch(url);
    expect(await whole.text()).toBe('0123456789');
    const modified = whole.headers.get('last-modified') ?? '';
    const part = await fetch(url, { headers: { range: 'bytes=7-', 'if-range': modified } });
    expect([await part.text(), part.headers.get('content-range')]).toEqual(['789', 'bytes 7-9/10']);
    const changed = { range: 'bytes=7-', 'if-range': 'Thu, 01 Jan 1970 00:00:00 GMT' };
    expect(await (await fetch(url, { headers: changed })).text()).toBe('0123456789');
    await fetch(url, { headers: { 'if-modified-since': modified } });
    await fetch(url, { headers: { range: 'bytes=10-' } });
    await fetch(url, { method: 'HEAD' });
    await fetch(`${server.url}/../../etc/passwd`);
    const path = '/a~1.deb';
    expect(server.requests).toEqual([
      { method: 'GET', path, range: null, status: 200, bytes: 10 },
      { method: 'GET', path, range: 'bytes=7-', status: 206, bytes: 3 },
      { method: 'GET', path, range: 'bytes=7-', status: 200, bytes: 10 },
      { method: 'GET', path, range: null, status: 304, bytes: 0 },
      { method: 'GET', path, range: 'bytes=10-', status: 416, bytes: 0 },
      { method: 'HEAD', path, range: null, status: 200, bytes: 10 },
      { method: 'GET', path: '/etc/passwd', range: null, status: 404, bytes: 0 },
    ]);
  }));
