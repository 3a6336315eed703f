import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

import { askStatus } from '../../../client/service/ask-status.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { runCli } from '../../support/cli.js';
import { errorCode } from '../../support/error-code.js';

const counts = { packages: 3, servedBytes: 10e6, peerBytes: 1e6, httpBytes: 0 };
const STATUS = {
  version: '0.1.0',
  since: '2026-11-23T10:00:00.000Z',
  indexes: [{ uri: 'http://deltas.example.org', suite: 'lab', trust: 'archive', packages: 12 }],
  working: [{ package: 'libssl3', version: '2', stage: 'rebuilding', since: '' }],
  cache: { files: 2, bytes: 5e6, maxBytes: 2e9 },
  saved: { format: 1, since: '2026-11-01', total: counts, month: '2026-11', inMonth: counts },
  peers: null,
  obstacle: null,
  prefetchObstacle: 'the line is metered',
  troubles: [{ at: '2026-11-23T10:00:00.000Z', text: 'no deltas\u001b[31m from there' }],
  sharing: {
    scope: 'lan',
    paused: null,
    localOnly: 'quota',
    objects: 4,
    seeding: 3,
    bytesOnDisk: 7e6,
    uploadedBeyond: 0,
    uploadedLocally: 8e6,
  },
  confinement: { level: 'sandbox', detail: 'bubblewrap' },
};

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

/** Somebody at a socket who answers every request with `answer`, after reading it. */
async function daemonThatSays(answer: string): Promise<{ socket: string; asked: string[] }> {
  const socket = join(await temporaryFolder(), 'socket');
  const asked: string[] = [];
  const listening = createServer({ allowHalfOpen: true }, (connection) => {
    connection.on('data', (bytes) => {
      asked.push(bytes.toString());
      connection.end(answer);
    });
    // Whoever asks may leave before all is said.
    connection.on('error', () => undefined);
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(socket, resolve));
  return { socket, asked };
}

describe('debshoal status', () => {
  test('asks as PROTOCOL.md says, and shows the answer', async () => {
    const { socket, asked } = await daemonThatSays(`201 Done\n\n${JSON.stringify(STATUS)}\n`);
    const { status, stdout } = await runCli('client', ['status', '--socket', socket]);
    expect([status, asked]).toEqual([0, ['700 Status\n\n']]);
    for (const part of [
      '10.0 MB',
      '90.0 %',
      'metered',
      'libssl3',
      '8.0 MB',
      'quota',
      'deltas.example.org lab',
    ]) {
      expect(stdout).toContain(part);
    }
    // What strangers made the daemon say must not speak to the terminal.
    expect(stdout).not.toContain('\u001b');
  });

  test('--json has everything, also what this version does not know', async () => {
    const told = { ...STATUS, news: 1 };
    const { socket } = await daemonThatSays(`201 Done\n\n${JSON.stringify(told)}\n`);
    expect(await askStatus(socket)).toEqual(told);
  });

  test.each([
    ['nobody listens', null],
    ['nothing comes', ''],
    ['an error', '400 Failure\nMessage: no\n\n'],
    ['no JSON', '201 Done\n\nall is well'],
    ['another JSON', '201 Done\n\n{"version":1}'],
    ['too much', `201 Done\n\n"${'x'.repeat(2 << 20)}"`],
  ])('fails when %s', async (_, answer) => {
    const socket =
      answer === null
        ? join(await temporaryFolder(), 'none')
        : (await daemonThatSays(answer)).socket;
    expect(await errorCode(askStatus(socket))).toBe('io-failed');
  });
});
