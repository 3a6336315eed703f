import { connect } from 'node:net';

const BLOCK = 16 * 1024;
const MESSAGES = { unchoke: 1, interested: 2, request: 6, piece: 7 };

/**
 * Calls a seeder for a torrent, as the smallest peer there is (BEP 3), and asks for its first block.
 * Resolves with the milliseconds until that has come.
 */
export async function timeFirstBlock(
  port: number,
  torrent: { readonly infoHash: string; readonly totalLength: number },
): Promise<number> {
  const startedAt = performance.now();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const id = Buffer.from(`-BM0001-${Math.random().toFixed(10)}`);
  const greeting = [Buffer.from('\x13BitTorrent protocol'), Buffer.alloc(8)];
  socket.write(Buffer.concat([...greeting, Buffer.from(torrent.infoHash, 'hex'), id]));
  socket.write(message(MESSAGES.interested));
  let unread = Buffer.alloc(0);
  let greeted = false;
  try {
    for await (const chunk of socket) {
      unread = Buffer.concat([unread, chunk as Buffer]);
      if (!greeted && unread.length < 68) continue;
      if (!greeted) unread = unread.subarray(68);
      greeted = true;
      while (unread.length >= 4 && unread.length >= 4 + unread.readUInt32BE(0)) {
        const length = unread.readUInt32BE(0);
        const kind = length > 0 ? unread[4] : undefined;
        unread = unread.subarray(4 + length);
        if (kind === MESSAGES.piece) return performance.now() - startedAt;
        if (kind !== MESSAGES.unchoke) continue;
        const body = Buffer.alloc(12);
        body.writeUInt32BE(Math.min(BLOCK, torrent.totalLength), 8);
        socket.write(message(MESSAGES.request, body));
      }
    }
    throw new Error(`no block of ${torrent.infoHash}`);
  } finally {
    socket.destroy();
  }
}

function message(kind: number, body = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + body.length);
  head[4] = kind;
  return Buffer.concat([head, body]);
}
