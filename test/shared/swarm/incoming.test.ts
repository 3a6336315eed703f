import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { guardIncoming, type IncomingGuard } from '../../../shared/swarm/incoming.js';
import { closing, until } from '../../support/cleanup.js';

interface Listening {
  readonly guard: IncomingGuard;
  /** Accepted by the guard, in order; the server's ends. */
  readonly accepted: Socket[];
  /** Connects from an address of 127/8. */
  readonly call: (from: string) => { readonly socket: Socket; ended: boolean };
}

const listening = async (maxConnections: number): Promise<Listening> => {
  const accepted: Socket[] = [];
  const server: Server = createServer();
  const guard = guardIncoming(server, { maxConnections, answers: (from) => from !== '127.0.0.66' });
  server.on('connection', (socket) => {
    if (!socket.destroyed) accepted.push(socket.on('error', () => undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing({
    close: () => {
      for (const socket of accepted) socket.destroy();
      server.close();
    },
  });
  return {
    guard,
    accepted,
    call: (localAddress) => {
      const { port } = server.address() as AddressInfo;
      const socket = connect({ port, host: '127.0.0.1', localAddress });
      const call = { socket, ended: false };
      socket.on('error', () => undefined);
      socket.on('close', () => {
        call.ended = true;
      });
      closing({ close: () => void socket.destroy() });
      return call;
    },
  };
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('an address that is not answered', async () => {
  const { call } = await listening(10);
  const bad = call('127.0.0.66');
  await until(() => bad.ended);
});

test('a handshake that comes byte by byte, or never', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const real = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (condition()) resolve();
        else setImmediate(look);
      };
      look();
    });
  const { guard, accepted, call } = await listening(10);
  const [slow, good] = [call('127.0.0.1'), call('127.0.0.2')];
  await real(() => accepted.length === 2);
  const goodEnd = accepted.find(({ remoteAddress }) => remoteAddress === '127.0.0.2');
  if (goodEnd !== undefined) guard.named(goodEnd);
  for (let second = 0; second < 5; second++) {
    slow.socket.write('\x13');
    vi.advanceTimersByTime(1000);
  }
  await real(() => slow.ended);
  expect(good.ended).toBe(false);
});

test('thirty connections without a handshake, from everywhere', async () => {
  const { guard, accepted, call } = await listening(1000);
  const calls = Array.from({ length: 40 }, (_, i) => call(`127.0.1.${i + 1}`));
  await until(() => calls.filter(({ ended }) => ended).length === 10);
  expect(accepted).toHaveLength(30);
  for (const socket of accepted) guard.named(socket);
  const late = call('127.0.2.1');
  await until(() => accepted.length === 31);
  expect(late.ended).toBe(false);
});

test('one address that takes all places', async () => {
  const { guard, accepted, call } = await listening(1000);
  const calls: ReturnType<typeof call>[] = [];
  for (let i = 0; i < 12; i++) {
    calls.push(call('127.0.0.9'));
    await until(() => accepted.length + calls.filter(({ ended }) => ended).length === i + 1);
    for (const socket of accepted) guard.named(socket);
  }
  expect(accepted).toHaveLength(8);
  const other = call('127.0.0.10');
  await until(() => accepted.length === 9);
  expect(other.ended).toBe(false);
});

test('connections that are kept and not used make room, those in use stay', async () => {
  const { guard, accepted, call } = await listening(3);
  const calls: ReturnType<typeof call>[] = [];
  for (let i = 1; i <= 3; i++) {
    calls.push(call(`127.0.0.${i}`));
    await until(() => accepted.length === i);
  }
  for (const socket of accepted) guard.named(socket);
  const early = call('127.0.0.8');
  await until(() => early.ended);
  vi.advanceTimersByTime(61_000);
  for (const socket of [accepted[0], accepted[2]]) if (socket !== undefined) guard.used(socket);
  call('127.0.0.9');
  await until(() => accepted.length === 4);
  await until(() => calls[1]?.ended === true);
  expect([calls[0]?.ended, calls[2]?.ended]).toEqual([false, false]);
});
