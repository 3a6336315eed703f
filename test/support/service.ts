import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';

import { startCli, type CliOptions, type RunningCli } from './cli.js';
import { cacheName, type FixturePair } from './fixture-pairs.js';

/** What the daemon said to one request. */
export interface ServiceAnswer {
  /** First lines, such as `400 URI Failure`, in their order. */
  readonly lines: readonly string[];
  /** `Message` of the last one. */
  readonly message: string;
  /** What followed the last message. */
  readonly body: Buffer;
}

export interface RunningService extends RunningCli {
  readonly socket: string;
  ask(request: string | Uint8Array): Promise<ServiceAnswer>;
  connect(): Promise<Socket>;
}

/** Starts the real `debshoal daemon` for a root and waits until it is ready. */
export async function startService(
  root: string,
  args: readonly string[] = [],
  options: CliOptions = {},
): Promise<RunningService> {
  const socket = join(root, 'run-debshoal', 'socket');
  // A daemon that was killed leaves its own.
  await rm(join(root, 'run-debshoal', 'ok'), { force: true });
  const command = ['daemon', '--root', root, '--socket', socket, ...args];
  const running = startCli('client', command, options);
  const ended = running.ended.then((result) => {
    throw new Error(`the daemon ended: ${result.stderr}`);
  });
  ended.catch(() => undefined);
  await Promise.race([untilThere(join(root, 'run-debshoal', 'ok')), ended]);
  return {
    ...running,
    socket,
    ask: (request) => ask(socket, request),
    connect: async () => {
      const connection = connect(socket);
      await once(connection, 'connect');
      return connection;
    },
  };
}

/** apt's message for the new version of a pair. */
export function acquire(
  pair: FixturePair,
  fields: Readonly<Record<string, string | null>> = {},
): string {
  const name = cacheName(pair);
  const all: Record<string, string | null> = {
    URI: `http://127.0.0.1:9/pool/${name}`,
    Filename: `/var/cache/apt/archives/partial/${name}`,
    'Expected-SHA256': pair.newSha256,
    'Expected-Checksum-FileSize': String(pair.newSize),
    'Target-Type': 'deb',
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([key, value]) =>
    value === null ? [] : [`${key}: ${value}`],
  );
  return `600 URI Acquire\n${lines.join('\n')}\n\n`;
}

/** Makes one request and waits for the end of the answer. */
export async function ask(socket: string, request: string | Uint8Array): Promise<ServiceAnswer> {
  const connection = connect(socket);
  // A daemon that has heard enough may close while we still send.
  connection.on('error', () => undefined);
  connection.write(request);
  const chunks: Buffer[] = [];
  connection.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(connection, 'close');
  return readAnswer(Buffer.concat(chunks));
}

function readAnswer(bytes: Buffer): ServiceAnswer {
  const lines: string[] = [];
  let message = '';
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\n\n');
    const [first = '', ...fields] = rest.subarray(0, Math.max(0, end)).toString().split('\n');
    if (end < 0 || !/^[0-9]{3} /.test(first)) return { lines, message, body: rest };
    lines.push(first);
    message = fields.find((line) => line.startsWith('Message: '))?.slice(9) ?? '';
    rest = rest.subarray(end + 2);
    if (!first.startsWith('102 ')) return { lines, message, body: rest };
  }
}

async function untilThere(path: string): Promise<void> {
  for (;;) {
    const there = await stat(path).then(
      () => true,
      () => false,
    );
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
