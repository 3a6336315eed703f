import { createSocket } from 'node:dgram';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

import { randomBytes } from 'node:crypto';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { startTracker } from '../../../generator/serve/tracker.js';
import { openAnnouncer, type Announcer } from '../../../shared/swarm/announcer.js';
import { parseAnswer } from '../../../shared/swarm/tracker/http-tracker.js';
import { encodeBencode } from '../../../shared/torrent/bencode.js';
import { closing, until } from '../../support/cleanup.js';

const id = (): string => randomBytes(20).toString('hex');
const progress = () => ({ uploaded: 0, downloaded: 0, left: 5_000_000_000 });

interface Told {
  readonly peers: string[];
  readonly stop: () => void;
}
const announce = (
  announcer: Announcer,
  trackers: string[],
  infoHash: string,
  port: number,
): Told => {
  const peers: string[] = [];
  const onPeer = (peer: string): void => void peers.push(peer);
  const stop = announcer.start({ infoHash, peerId: id(), port, trackers, progress, onPeer });
  return { peers, stop };
};
const answering = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`;
};

test.each([0, 1])('peers find each other through our tracker (%i: HTTP, UDP)', async (which) => {
  const tracker = closing(
    await startTracker({ host: '127.0.0.1', httpPort: 0, udpPort: 0, allows: () => true }),
  );
  const trackers = [tracker.announce[which] ?? ''];
  const [one, other] = [closing(openAnnouncer()), closing(openAnnouncer())];
  const hash = id();
  const first = announce(one, trackers, hash, 7001);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const second = announce(other, trackers, hash, 7002);
  await until(() => second.peers.includes('127.0.0.1:7001'));
  first.stop();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const third = announce(other, trackers, hash, 7003);
  await until(() => third.peers.length > 0);
  expect(third.peers).toContain('127.0.0.1:7002');
  expect(third.peers).not.toContain('127.0.0.1:7001');
});

test('sixty torrents share two connections, and a socket', async () => {
  const sockets = new Set<unknown>();
  const asked = new Set<string>();
  const url = await answering((request, response) => {
    sockets.add(request.socket);
    asked.add(/info_hash=([^&]+)/.exec(request.url ?? '')?.[1] ?? '');
    response.end(encodeBencode({ interval: 1800, peers: Buffer.alloc(0) }));
  });
  const udp = createSocket('udp4');
  const ports = new Set<number>();
  const connects: Buffer[] = [];
  const announced = new Set<string>();
  udp.on('message', (packet, from) => {
    ports.add(from.port);
    const isConnect = packet.length === 16;
    if (isConnect) connects.push(packet);
    else announced.add(packet.toString('hex', 16, 36));
    const head = Buffer.concat([packet.subarray(8, 12), packet.subarray(12, 16)]);
    const more = isConnect ? Buffer.alloc(8, 1) : Buffer.alloc(12, 1);
    udp.send(Buffer.concat([head, more]), from.port, from.address);
  });
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
  closing({ close: () => void udp.close() });
  const announcer = closing(openAnnouncer());
  const trackers = [url, `udp://127.0.0.1:${udp.address().port}`];
  for (let i = 0; i < 60; i++) announce(announcer, trackers, id(), 7001);
  await until(() => asked.size === 60 && announced.size === 60);
  expect(sockets.size).toBeLessThanOrEqual(2);
  expect([ports.size, connects.length]).toEqual([1, 1]);
});

test('a tracker that never answers holds up nobody, and is asked for few torrents', async () => {
  let silentAsked = 0;
  const silent = await answering(() => {
    silentAsked++;
  });
  const asked = new Set<string>();
  const good = await answering((request, response) => {
    asked.add(request.url ?? '');
    response.end(encodeBencode({ interval: 1800, peers: Buffer.from([192, 0, 2, 7, 26, 225]) }));
  });
  const announcer = closing(openAnnouncer());
  const dead = 'udp://127.0.0.1:9';
  const told = Array.from({ length: 50 }, () =>
    announce(announcer, [silent, dead, good], id(), 7001),
  );
  await until(() => told.every(({ peers }) => peers.includes('192.0.2.7:6881')));
  expect(silentAsked).toBeLessThanOrEqual(4);
});

test('a tracker that ends each connection without a word is asked for all', async () => {
  const asked = new Set<string>();
  const url = await answering((request, response) => {
    asked.add(request.url ?? '');
    response.end(encodeBencode({ interval: 1800, peers: Buffer.alloc(0) }), () =>
      request.socket.destroy(),
    );
  });
  const announcer = closing(openAnnouncer());
  for (let i = 0; i < 20; i++) announce(announcer, [url], id(), 7001);
  await until(() => asked.size === 20);
});

test('a tracker that refuses a torrent is asked about the others', async () => {
  let refused = 0;
  const good = id();
  const url = await answering((request, response) => {
    const isGood = request.url?.includes(good.replace(/../g, '%$&')) === true;
    if (!isGood) refused++;
    const peers = Buffer.from([192, 0, 2, 7, 26, 225]);
    const answer = isGood ? { interval: 1800, peers } : { 'failure reason': Buffer.from('no') };
    response.end(encodeBencode(answer));
  });
  const announcer = closing(openAnnouncer());
  for (let i = 0; i < 20; i++) announce(announcer, [url], id(), 7001);
  const { peers } = announce(announcer, [url], good, 7001);
  await until(() => peers.length === 1 && refused === 20);
});

test('a tracker that fails is left alone for a while', async () => {
  let asked = 0;
  const failing = await answering((_, response) => {
    asked++;
    response.writeHead(503).end();
  });
  const announcer = closing(openAnnouncer());
  for (let i = 0; i < 20; i++) announce(announcer, [failing], id(), 7001);
  await until(() => asked > 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(asked).toBeLessThanOrEqual(4);
});

test.each([
  ['an answer without end', Buffer.alloc(1_000_000, 'd'), {}],
  ['a redirect into our own network', Buffer.alloc(0), { location: 'http://127.0.0.1:9/' }],
  ['nonsense', Buffer.from('l-3:'), {}],
])('%s gives no peers', async (_, body, headers: Record<string, string>) => {
  let asked = 0;
  const url = await answering((_request, response) => {
    asked++;
    response.writeHead('location' in headers ? 302 : 200, headers).end(body);
  });
  const { peers } = announce(closing(openAnnouncer()), [url], id(), 7001);
  await until(() => asked > 0);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect([peers, asked]).toEqual([[], 1]);
});

test('an answer to UDP from somebody else is not heard', async () => {
  const [tracker, forger] = [createSocket('udp4'), createSocket('udp4')];
  let heard = 0;
  tracker.on('message', (packet, from) => {
    heard++;
    const answer = Buffer.concat([packet.subarray(8, 16), Buffer.alloc(12, 1), Buffer.alloc(6, 9)]);
    forger.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => tracker.bind(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => forger.bind(0, '127.0.0.1', resolve));
  closing({
    close: () => {
      tracker.close();
      forger.close();
    },
  });
  const url = `udp://127.0.0.1:${tracker.address().port}`;
  const { peers } = announce(closing(openAnnouncer()), [url], id(), 7001);
  await until(() => heard > 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect([peers, heard]).toEqual([[], 1]);
});

test('any answer is read or refused with an exception, and gives only so many peers', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6000 }), (bytes) => {
      const answer = parseAnswer(encodeBencode({ interval: 1, peers: bytes, peers6: bytes }));
      expect(answer.peers.length).toBeLessThanOrEqual(200);
      let thrown: unknown = null;
      try {
        parseAnswer(bytes);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(Error);
    }),
  );
});
