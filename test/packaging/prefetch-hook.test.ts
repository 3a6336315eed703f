import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { closing, temporaryFolder } from '../support/cleanup.js';
import { startScriptedDaemon } from '../support/scripted-daemon.js';

const HOOK = fileURLToPath(new URL('../../packaging/apt-method/prefetch', import.meta.url));

function runHook(socket: string): Promise<number | NodeJS.Signals> {
  return new Promise((resolve) => {
    const child = execFile(HOOK, [socket], () => {
      resolve(child.signalCode ?? child.exitCode ?? -1);
    });
  });
}

test('the daemon is told', async () => {
  const socket = join(await temporaryFolder(), 'socket');
  const daemon = closing(
    await startScriptedDaemon(socket, (_, connection) => connection.end('201 Done\n\n')),
  );
  expect(await runHook(socket)).toBe(0);
  expect(daemon.requests.map(({ firstLine }) => firstLine)).toEqual(['700 Prefetch']);
});

test('a daemon that hangs is not waited for', async () => {
  const socket = join(await temporaryFolder(), 'socket');
  closing(await startScriptedDaemon(socket, () => undefined));
  expect(await runHook(socket)).toBe('SIGALRM');
});

test('no daemon is an error at once, which apt’s configuration ignores', async () => {
  expect(await runHook(join(await temporaryFolder(), 'socket'))).toBe(2);
});
