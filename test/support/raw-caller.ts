import { connect, type Socket } from 'node:net';

import type { TorrentInfo } from '../../shared/torrent/metainfo.js';

export interface RawCaller {
  readonly socket: Socket;
  /** Bytes that were read. */
  readonly received: () => number;
  /** The other side has ended the connection. */
  readonly ended: () => boolean;
  /** Sends a message (BEP 3); `length` is what it claims, default the true one. */
  readonly send: (id: number, body?: Buffer, length?: number) => boolean;
  readonly close: () => void;
}

export const MESSAGES = { interested: 2, bitfield: 5, request: 6, extended: 20 } as const;

/** Calls a client, greets for a torrent, and then says whatever an attacker likes. */
export async function callRaw(port: number, info: TorrentInfo): Promise<RawCaller> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.5' });
  let received = 0;
  let ended = false;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    ended = true;
  });
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const reserved = Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 0]);
  const greeting = [Buffer.from('\x13BitTorrent protocol'), reserved];
  const id = Buffer.from(`-RAW000-${Math.random().toFixed(10)}`);
  socket.write(Buffer.concat([...greeting, Buffer.from(info.infoHash, 'hex'), id]));
  return {
    socket,
    received: () => received,
    ended: () => ended,
    send: (message, body = Buffer.alloc(0), length = 1 + body.length) => {
      const head = Buffer.alloc(5);
      head.writeUInt32BE(length);
      head[4] = message;
      return socket.write(Buffer.concat([head, body]));
    },
    close: () => {
      socket.destroy();
    },
  };
}
