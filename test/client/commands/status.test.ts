import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

import { askStatus } from '../../../client/service/ask-status.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { runCli } from '../../support/cli.js';
import { daemonStatus } from '../../support/daemon-status.js';
import { errorCode } from '../../support/error-code.js';

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
    const { socket, asked } = await daemonThatSays(`201 Done\n\n${JSON.stringify(daemonStatus)}\n`);
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
      // Of 1 MB from peers.
      '400 kB',
      '600 kB',
      '250 kB a second',
      '3.0 GB left',
      '1.5 times',
      'shared9',
      '123 kB',
      'and 2 more',
    ]) {
      expect(stdout).toContain(part);
    }
    // What strangers made the daemon say must not speak to the terminal.
    expect(stdout).not.toContain('\u001b');
  });

  test('--json has everything, also what this version does not know', async () => {
    const told = { ...daemonStatus, news: 1 };
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
