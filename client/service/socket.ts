import { once } from 'node:events';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';

import { DebshoalError, isDebshoalError, withCode } from '../../shared/errors.js';
import { formatMessage, messageReader } from './message.js';
import { publicText } from './public-text.js';
import { readRequest, type Request } from './request.js';

/** One connection that has made its request. */
export interface Answer {
  /** Aborted when the asker has gone, or the service stops. */
  readonly signal: AbortSignal;
  /** A message of its own: `102 Status` and the like. */
  say(code: number, text: string, fields?: Readonly<Record<string, string | number>>): void;
  /** Bytes that belong to the last message; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface ServiceSocket {
  /** Ends every connection and removes the socket. */
  close(): Promise<void>;
}

export interface SocketOptions {
  /** Where to listen; a number is an inherited descriptor that listens already. */
  readonly at: string | number;
  /** Answers one request; whatever it throws is a `400` if nothing was sent, else an early end. */
  readonly answer: (request: Request, answer: Answer) => Promise<void>;
  /** A bug, for the journal. */
  readonly onBug: (error: unknown) => void;
}

/** A request is sent in one go; whoever has not ended it then keeps a place from others. */
const REQUEST_TIME = 5000;
/** Whoever takes no byte for so long has stopped reading. */
const STALL_TIME = 30_000;
/** apt asks for some ten packages at a time; the others are for whoever asks beside it. */
const MAX_CONNECTIONS = 512;
/** At stop, for answers that are on their way. */
const FAREWELL = 500;

/** Listens for requests of PROTOCOL.md. The caller makes sure that it is the only one there. */
export async function openServiceSocket(options: SocketOptions): Promise<ServiceSocket> {
  const connections = new Map<Socket, AbortController>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const controller = new AbortController();
    connections.set(socket, controller);
    socket.on('close', () => {
      connections.delete(socket);
      controller.abort(new DebshoalError('interrupted', 'the asker has gone'));
    });
    // Only what it means for the answer matters, and `close` follows.
    socket.on('error', () => undefined);
    void converse(socket, controller.signal, options);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const { at } = options;
  if (typeof at === 'number') server.listen({ fd: at });
  else {
    await mkdir(dirname(at), { recursive: true });
    await rm(at, { force: true });
    server.listen(at);
  }
  await once(server, 'listening');
  // Everybody may ask, whatever the umask.
  if (typeof at === 'string') await chmod(at, 0o666);
  return {
    async close() {
      const closed = once(server, 'close');
      server.close();
      const stop = new DebshoalError('interrupted', 'debshoal stops');
      for (const controller of connections.values()) controller.abort(stop);
      const timer = setTimeout(() => {
        for (const socket of connections.keys()) socket.destroy();
      }, FAREWELL);
      await closed;
      clearTimeout(timer);
    },
  };
}

async function converse(
  socket: Socket,
  signal: AbortSignal,
  { answer, onBug }: SocketOptions,
): Promise<void> {
  const state = { said: false };
  const send: Answer = {
    signal,
    say(code, text, fields = {}) {
      state.said = code !== 102;
      const told = Object.entries(fields).map(
        ([name, value]) => [name, publicText(String(value))] as const,
      );
      socket.write(formatMessage(code, text, Object.fromEntries(told)));
    },
    async write(bytes) {
      if (socket.destroyed) throw new DebshoalError('interrupted', 'nobody listens any more');
      if (!socket.write(bytes)) await drained(socket);
    },
  };
  try {
    const request = await receive(socket);
    if (request === null) return;
    socket.setTimeout(STALL_TIME, () => {
      if (socket.writableLength > 0) socket.destroy();
    });
    await answer(request, send);
    socket.end();
  } catch (thrown) {
    const error = withCode(thrown);
    if (!isDebshoalError(error)) onBug(error);
    if (state.said) socket.destroy();
    else {
      const why = isDebshoalError(error) ? error.message : 'an error in debshoal';
      send.say(400, 'URI Failure', { Message: why });
      socket.end();
    }
  } finally {
    // What it still sends is of no interest, and must not keep the connection open.
    socket.resume();
    setTimeout(() => {
      if (socket.writableLength === 0) socket.destroy();
    }, 1000).unref();
  }
}

/** Resolves when there is room for more, or the connection has ended. */
async function drained(socket: Socket): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  try {
    await Promise.race([once(socket, 'drain', { signal }), once(socket, 'close', { signal })]);
  } finally {
    over.abort();
  }
}

/** The request, or null when the connection ended before there was one. Fails with `usage`. */
function receive(socket: Socket): Promise<Request | null> {
  const reader = messageReader();
  return new Promise((resolve, reject) => {
    const onData = (bytes: Buffer): void => {
      try {
        const message = reader.push(bytes);
        if (message === null) return;
        socket.off('data', onData);
        resolve(readRequest(message));
      } catch (error) {
        socket.off('data', onData);
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        reject(error);
      }
    };
    socket.on('data', onData);
    socket.once('close', () => {
      resolve(null);
    });
    // Who ends his side after the request still waits; one who has gone shows when we write.
    socket.once('end', () => {
      if (socket.listeners('data').includes(onData)) socket.end();
      resolve(null);
    });
    setTimeout(() => {
      if (socket.listeners('data').includes(onData)) socket.destroy();
    }, REQUEST_TIME).unref();
  });
}
