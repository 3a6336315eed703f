import { EventEmitter, once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

import { expect, test } from 'vitest';

import { gatherMessages } from '../../../shared/swarm/gather-messages.js';
import { closing } from '../../support/cleanup.js';

interface SmallWire {
  _push: (bytes: Uint8Array) => void;
  have: (index: number) => void;
}

/** A wire as bittorrent-protocol has it, over a real connection; `arrived` collects what is read. */
const openWire = async (
  peerPieces: (index: number) => boolean,
): Promise<{ wire: SmallWire; arrived: Buffer[] }> => {
  const arrived: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('data', (bytes: Buffer) => arrived.push(bytes));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket: Socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  await once(socket, 'connect');
  closing({
    close: async () => {
      socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  socket.setNoDelay(true);
  const wire: SmallWire = Object.assign(new EventEmitter(), {
    peerPieces: { get: peerPieces, buffer: new Uint8Array() },
    _push: (bytes: Uint8Array) => {
      socket.write(bytes);
    },
    have(this: SmallWire, index: number) {
      this._push(Buffer.from([index]));
    },
  });
  gatherMessages(wire, socket);
  return { wire, arrived };
};
const arrival = async (arrived: readonly Buffer[], bytes: number): Promise<void> => {
  await expect.poll(() => Buffer.concat(arrived).length, { timeout: 10_000 }).toBe(bytes);
};

test('what is said in one turn arrives in one packet', async () => {
  const { wire, arrived } = await openWire(() => false);
  for (let i = 0; i < 50; i++) wire._push(Buffer.from([i]));
  await arrival(arrived, 50);
  expect(arrived).toHaveLength(1);
});

test('news of pieces go together to those that lack them', async () => {
  const { wire, arrived } = await openWire((index) => index === 7);
  for (const index of [5, 6, 7, 8]) wire.have(index);
  await arrival(arrived, 3);
  expect(arrived).toEqual([Buffer.from([5, 6, 8])]);
});

test('a seed hears of every piece', async () => {
  const { wire, arrived } = await openWire(() => true);
  wire.have(1);
  wire.have(2);
  await arrival(arrived, 2);
});
