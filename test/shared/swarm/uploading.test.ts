import { readFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { startSwarm, type Swarm } from '../../../shared/swarm/swarm.js';
import { noise } from '../../support/chunks.js';
import { closing, temporaryFolder, until } from '../../support/cleanup.js';
import { callRaw, MESSAGES, type RawCaller } from '../../support/raw-caller.js';
import { makeTorrent } from '../../support/torrents.js';

const BLOCK = 16 * 1024;

const attack = async (): Promise<{ swarm: Swarm; caller: RawCaller; pid: number | null }> => {
  const made = await makeTorrent(await temporaryFolder(), 'a', { a: noise(64 * BLOCK) });
  const swarm = closing(await startSwarm({ host: '127.0.0.1', upload: true }));
  await swarm.seed({ torrent: made.torrent, paths: made.paths, trackers: [] });
  const caller = closing(await callRaw(swarm.port, made.info));
  await until(() => caller.received() >= 68);
  return { swarm, caller, pid: swarm.pid() };
};
const request = (index: number, length = BLOCK): Buffer => {
  const body = Buffer.alloc(12);
  [index, 0, length].forEach((value, i) => body.writeUInt32BE(value, i * 4));
  return body;
};
/** Resident bytes of the process that holds the swarm. */
const memoryOf = async (pid: number | null): Promise<number> => {
  const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
};

test('a message of two gigabytes', async () => {
  const { swarm, caller, pid } = await attack();
  caller.send(MESSAGES.extended, Buffer.alloc(1000), 0x7fff_ffff);
  await until(() => caller.ended());
  expect(swarm.pid()).toBe(pid);
});

test('requests without end, and nothing of the answers is read', async () => {
  const { swarm, caller, pid } = await attack();
  caller.send(MESSAGES.interested);
  const before = caller.received();
  await until(() => caller.received() > before);
  caller.socket.pause();
  const memory = await memoryOf(pid);
  let asked = 0;
  while (!caller.ended() && asked < 100_000) {
    caller.send(MESSAGES.request, request(asked++ % 64));
    if (asked % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    // What was sent before the end has to be read for the end to be seen.
    if (asked % 5000 === 0) caller.socket.resume();
  }
  expect(caller.ended()).toBe(true);
  expect(swarm.pid()).toBe(pid);
  expect((await memoryOf(pid)) - memory).toBeLessThan(100 * 2 ** 20);
});

test('a request of a gigabyte, and one behind the end', async () => {
  const { swarm, caller, pid } = await attack();
  caller.send(MESSAGES.interested);
  caller.send(MESSAGES.request, request(1_000_000));
  caller.send(MESSAGES.request, request(0, 2 ** 30));
  await until(() => caller.ended());
  expect(swarm.pid()).toBe(pid);
});

test('the allowance ends at a block', async () => {
  const { swarm, caller } = await attack();
  const counted: number[] = [];
  swarm.onUpload(({ local, beyond }) => counted.push(local, beyond));
  caller.send(MESSAGES.interested);
  await until(() => caller.received() > 68);
  for (let i = 0; i < 4; i++) caller.send(MESSAGES.request, request(i));
  await until(() => caller.received() > 4 * BLOCK);
  await until(() => counted.length > 0);
  expect(counted).toEqual([4 * BLOCK, 0]);
  swarm.allowUploads({ local: false, beyondBytes: 0 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = caller.received();
  caller.send(MESSAGES.request, request(5));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(caller.received() - before).toBeLessThan(100);
});
