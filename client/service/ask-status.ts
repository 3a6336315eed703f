import { once } from 'node:events';
import { createConnection } from 'node:net';

import { z } from 'zod';

import { DebshoalError } from '../../shared/errors.js';

export const SOCKET = '/run/debshoal/socket';

/** A status with all indexes and troubles is a few KiB. */
const MOST_BYTES = 1024 * 1024;
const PATIENCE = 5000;

const bytes = z.number().min(0);
const counts = z.looseObject({
  packages: bytes,
  servedBytes: bytes,
  peerBytes: bytes,
  localBytes: bytes,
  httpBytes: bytes,
});

/** What we show of the daemon's status (PROTOCOL.md, `700 Status`); it may tell more. */
const schema = z.looseObject({
  version: z.string(),
  since: z.string(),
  indexes: z.array(z.looseObject({ uri: z.string(), suite: z.string(), packages: bytes })),
  working: z.array(z.looseObject({ package: z.string(), version: z.string(), stage: z.string() })),
  cache: z.looseObject({ files: bytes, bytes, maxBytes: bytes }),
  saved: z.looseObject({ since: z.string(), total: counts, month: z.string(), inMonth: counts }),
  obstacle: z.string().nullable(),
  prefetchObstacle: z.string().nullable(),
  sharing: z.looseObject({
    scope: z.string(),
    paused: z.string().nullable(),
    localOnly: z.string().nullable(),
    seeding: bytes,
    bytesOnDisk: bytes,
    uploadedBeyond: bytes,
    uploadedLocally: bytes,
    monthlyLeft: bytes.nullable(),
    limits: z.looseObject({
      uploadBytesPerSecond: bytes.nullable(),
      uploadMonthlyBytes: bytes.nullable(),
      uploadPerReleaseBytes: bytes.nullable(),
      seedRatio: bytes,
    }),
    shared: z.array(
      z.looseObject({
        package: z.string(),
        version: z.string(),
        suite: z.string(),
        bytes,
        uploadedBeyond: bytes,
      }),
    ),
  }),
  confinement: z.looseObject({ level: z.string(), detail: z.string() }),
  troubles: z.array(z.looseObject({ at: z.string(), text: z.string() })),
});

export type DaemonStatus = z.infer<typeof schema>;

/** Asks the daemon for its status; `io-failed` where none answers, or answers something else. */
export async function askStatus(socketPath = SOCKET): Promise<DaemonStatus> {
  const answer = await ask(socketPath, '700 Status\n\n');
  const end = answer.indexOf('\n\n');
  if (!answer.startsWith('201 ') || end < 0) throw noStatus(socketPath);
  try {
    return schema.parse(JSON.parse(answer.slice(end)));
  } catch (cause) {
    throw noStatus(socketPath, cause);
  }
}

async function ask(socketPath: string, request: string): Promise<string> {
  const socket = createConnection(socketPath);
  // A daemon that hangs shall not hang us.
  const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), PATIENCE);
  try {
    await once(socket, 'connect');
    socket.end(request);
    let answer = '';
    socket.setEncoding('utf8');
    for await (const part of socket as AsyncIterable<string>) {
      answer += part;
      if (answer.length > MOST_BYTES) throw noStatus(socketPath);
    }
    return answer;
  } catch (cause) {
    if (cause instanceof DebshoalError) throw cause;
    throw new DebshoalError('io-failed', `no daemon answers at ${socketPath}`, {
      cause,
      hint: 'start it with `debshoal enable`; `debshoal doctor` looks for the reason',
    });
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function noStatus(socketPath: string, cause?: unknown): DebshoalError {
  const message = `what answers at ${socketPath} does not tell its status`;
  return new DebshoalError('io-failed', message, { cause, hint: 'restart the daemon' });
}
