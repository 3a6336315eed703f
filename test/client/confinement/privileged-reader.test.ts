import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { serviceReader } from '../../../client/confinement/privileged-reader.js';
import { closing, temporaryFolder } from '../../support/cleanup.js';

test('the worker can read what it is given, whatever our umask', async () => {
  const folder = await temporaryFolder();
  const socket = join(folder, 'socket');
  const server = closing(createServer((connection) => connection.end('200 5\nbytes')));
  await once(server.listen(socket), 'listening');
  const before = process.umask(0o077);
  try {
    const installed = { package: 'sudo', architecture: 'amd64', version: '1' };
    const { signal } = new AbortController();
    const target = join(folder, 'given');
    const reader = serviceReader(socket);
    expect(await reader.copy(installed, '/etc/sudoers', target, signal)).toBe(true);
    expect((await stat(target)).mode & 0o777).toBe(0o644);
  } finally {
    process.umask(before);
  }
});
