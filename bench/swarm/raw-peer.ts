import { createServer, type AddressInfo, type Socket } from 'node:net';

import type { TorrentInfo } from '../../shared/torrent/metainfo.js';

const MESSAGE = { unchoke: 1, interested: 2, bitfield: 5, request: 6, piece: 7, extended: 20 };

export interface RawPeerOptions {
  readonly host?: string;
  /** What it sends for a request; null is silence. It claims to have everything. */
  readonly answer?: (index: number, offset: number, length: number) => Buffer | null;
  /** Sent after the handshake. */
  readonly greeting?: Buffer;
  /** Claims to have nothing, is interested and asks for this block even when choked. */
  readonly ask?: { index: number; offset: number; length: number };
  /** Greets with the caller's own peer id. */
  readonly mirror?: boolean;
}

export interface RawPeer {
  readonly address: string;
  readonly connections: () => number;
  /** Requests it has got, and blocks that were sent to it. */
  readonly requests: () => number;
  readonly received: () => number;
  readonly unchoked: () => boolean;
  /** Connections that the other side ended. */
  readonly dropped: () => number;
  readonly close: () => Promise<void>;
}

/** The smallest BitTorrent peer that speaks enough (BEP 3) to attack a client that calls it. */
export async function startRawPeer(info: TorrentInfo, options: RawPeerOptions): Promise<RawPeer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let requests = 0;
  let received = 0;
  let unchoked = false;
  let dropped = 0;

  const onMessage = (socket: Socket, id: number, body: Buffer): void => {
    if (id === MESSAGE.request) {
      requests++;
      const [index, offset, length] = [0, 4, 8].map((at) => body.readUInt32BE(at));
      const block = options.answer?.(index ?? 0, offset ?? 0, length ?? 0) ?? null;
      if (block === null) return;
      socket.write(frame(MESSAGE.piece, Buffer.concat([body.subarray(0, 8), block])));
    } else if (id === MESSAGE.piece) {
      received++;
    } else if (id === MESSAGE.unchoke) {
      unchoked = true;
    }
  };

  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      dropped++;
      sockets.delete(socket);
    });
    let buffer = Buffer.alloc(0);
    let greeted = false;
    socket.on('data', (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      if (!greeted) {
        if (buffer.length < 68) return;
        greeted = true;
        greet(socket, buffer.subarray(48, 68));
        buffer = buffer.subarray(68);
      }
      while (buffer.length >= 4 && buffer.length >= 4 + buffer.readUInt32BE(0)) {
        const length = buffer.readUInt32BE(0);
        if (length > 0) onMessage(socket, buffer[4] ?? 0, buffer.subarray(5, 4 + length));
        buffer = buffer.subarray(4 + length);
      }
    });
  });

  const greet = (socket: Socket, theirId: Buffer): void => {
    const id =
      options.mirror === true ? theirId : Buffer.from(`-RAW000-${Math.random().toFixed(10)}`);
    // 0x10 in byte 5: extension protocol (BEP 10).
    const reserved = Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 0]);
    const hash = Buffer.from(info.infoHash, 'hex');
    socket.write(Buffer.concat([Buffer.from('\x13BitTorrent protocol'), reserved, hash, id]));
    if (options.greeting !== undefined) socket.write(options.greeting);
    const bits = Buffer.alloc(Math.ceil(info.pieceCount / 8));
    if (options.ask === undefined) {
      for (let i = 0; i < info.pieceCount; i++)
        bits[i >> 3] = (bits[i >> 3] ?? 0) | (128 >> (i & 7));
    }
    socket.write(frame(MESSAGE.bitfield, bits));
    socket.write(frame(MESSAGE.unchoke));
    if (options.ask !== undefined) {
      const { index, offset, length } = options.ask;
      const body = Buffer.alloc(12);
      [index, offset, length].forEach((value, i) => body.writeUInt32BE(value, i * 4));
      socket.write(frame(MESSAGE.interested));
      const timer = setInterval(() => socket.write(frame(MESSAGE.request, body)), 50);
      socket.on('close', () => {
        clearInterval(timer);
      });
    }
  };

  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    requests: () => requests,
    received: () => received,
    unchoked: () => unchoked,
    dropped: () => dropped,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A peer message: length, id, body. */
function frame(id: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + body.length);
  head[4] = id;
  return Buffer.concat([head, body]);
}

/** An extended handshake (BEP 10) with `payload` as its bencoding. */
export function extendedHandshake(payload: string): Buffer {
  return frame(MESSAGE.extended, Buffer.concat([Buffer.from([0]), Buffer.from(payload)]));
}
