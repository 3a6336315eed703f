import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { sha256 } from '../../shared/io/hash.js';
import { runTool } from '../../shared/io/run-tool.js';
import { closing, temporaryFolder, until } from '../support/cleanup.js';
import { serveWithLog, type HttpLog } from '../support/http-log.js';
import { startMethod, type Message, type MethodProcess } from '../support/method-process.js';
import {
  give,
  MISS,
  startScriptedDaemon,
  type Answer,
  type ScriptedDaemon,
} from '../support/scripted-daemon.js';

/** Not a .deb, but neither the method nor apt's looks into it. */
const CONTENT = Buffer.from('of a package\n'.repeat(20_000));
const WRONG = Buffer.from('0f a package\n'.repeat(20_000));
const SILENCE: Answer = () => undefined;

let folder: string;
let partial: string;
let mirror: HttpLog;
let daemon: ScriptedDaemon;
let method: MethodProcess;

beforeEach(async () => {
  folder = await temporaryFolder();
  partial = join(folder, 'partial');
  await mkdir(partial);
  await mkdir(join(folder, 'pool'));
  mirror = closing(await serveWithLog(join(folder, 'pool')));
  daemon = closing(await startScriptedDaemon(join(folder, 'socket'), MISS));
});

afterEach(async () => {
  method.kill('SIGKILL');
  await method.ended;
});

async function start(...config: string[]): Promise<void> {
  method = await startMethod([`Acquire::Debshoal::Socket=${join(folder, 'socket')}`, ...config]);
}

/** Puts a file on the mirror and orders it as apt does; its URI. */
async function order(name: string, more: Record<string, string> = {}): Promise<string> {
  await writeFile(join(folder, 'pool', name), CONTENT);
  const uri = `${mirror.url}/${name}`;
  method.send('600 URI Acquire', {
    URI: uri,
    Filename: join(partial, name),
    'Expected-SHA256': sha256(CONTENT),
    'Expected-Checksum-FileSize': String(CONTENT.length),
    'Target-Type': 'deb',
    ...more,
  });
  return uri;
}

/** The file is whole, what was said about it is true, and nothing else lies about. */
async function expectDelivered(name: string): Promise<Message> {
  const done = await method.answer(201, `${mirror.url}/${name}`);
  expect(done.fields).toMatchObject({
    Filename: join(partial, name),
    Size: String(CONTENT.length),
    'SHA256-Hash': sha256(CONTENT),
  });
  expect(sha256(await readFile(join(partial, name)))).toBe(sha256(CONTENT));
  return done;
}

/** Process ids: apt's method for http, then the one that computes hashes. */
async function childrenOf({ pid }: MethodProcess): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return list.trim().split(' ').map(Number);
}

const requested = (): string[] => mirror.requests.map(({ path }) => path);

test('what the daemon has does not come from the mirror', async () => {
  daemon.answer = (request, socket) => {
    socket.write('102 Status\nMessage: rebuilding tiny\n\n');
    give(CONTENT)(request, socket);
  };
  await start('Acquire::Debshoal::Patience=42');
  const uri = await order('tiny_1%3a2-1+b1~x_amd64.deb', { 'Expected-MD5Sum': 'of no matter' });
  const done = await expectDelivered('tiny_1%3a2-1+b1~x_amd64.deb');
  expect(done.fields['MD5Sum-Hash']).toMatch(/^[0-9a-f]{32}$/);
  expect(requested()).toEqual([]);
  expect(await readdir(partial)).toEqual(['tiny_1%3a2-1+b1~x_amd64.deb']);
  const status = await method.answer(102, uri);
  expect(status.fields['Message']).toBe('rebuilding tiny');
  expect(daemon.requests[0]?.fields).toMatchObject({ URI: uri, Patience: '42' });
});

test('what the daemon has not, or what is no package, passes untouched', async () => {
  await start();
  await order('tiny_1_amd64.deb');
  await expectDelivered('tiny_1_amd64.deb');
  await order('Packages', { 'Target-Type': 'index' });
  await expectDelivered('Packages');
  expect(daemon.requests).toHaveLength(1);
  expect(requested()).toEqual(['/tiny_1_amd64.deb', '/Packages']);
});

test.each([
  ['without a hash', { 'Expected-SHA256': '' }],
  ['without a size', { 'Expected-Checksum-FileSize': '' }],
  ['without a type', { 'Target-Type': '' }],
])('a package %s is left to the mirror', async (_, fields) => {
  await start();
  const uri = await order('tiny_1_amd64.deb', fields);
  await method.answer(201, uri);
  expect(daemon.requests).toEqual([]);
});

const LIES: Readonly<Record<string, Answer>> = {
  'other bytes': give(WRONG),
  'another size': give(CONTENT, CONTENT.length + 1),
  'a size and fewer bytes': give(CONTENT.subarray(1), CONTENT.length),
  'a size and more bytes': give(Buffer.concat([CONTENT, WRONG]), CONTENT.length),
  'bytes and then nothing more': (_, socket) => {
    socket.write(`200 URI Start\nSize: ${CONTENT.length}\n\n`);
    socket.write(CONTENT.subarray(1));
  },
  'a status for ever': (_, socket) => {
    const timer = setInterval(() => socket.write('102 Status\nMessage: nearly\n\n'), 100);
    socket.on('close', () => {
      clearInterval(timer);
    });
  },
  nothing: SILENCE,
  'the end': (_, socket) => socket.end(),
  'no end': (_, socket) => socket.destroy(),
  garbage: (_, socket) => socket.end(Buffer.alloc(1000, 'x\n\n')),
  'a line for ever': (_, socket) => void socket.write(Buffer.alloc(200_000, 'x')),
  'a message within its message': (request, socket) => {
    socket.write('102 Status\nMessage: a\r201 URI Done\n\n');
    MISS(request, socket);
  },
};

test.each(Object.entries(LIES))('a daemon that says %s costs nothing but time', async (_, lie) => {
  daemon.answer = lie;
  await start('Acquire::Debshoal::Patience=1', 'Acquire::Debshoal::Silence=1');
  await order('tiny_1_amd64.deb');
  await expectDelivered('tiny_1_amd64.deb');
  expect(requested()).toEqual(['/tiny_1_amd64.deb']);
  expect(await readdir(partial)).toEqual(['tiny_1_amd64.deb']);
  const codes = method.messages.map(({ firstLine }) => firstLine.slice(0, 3));
  expect(codes.filter((code) => code === '201')).toHaveLength(1);
  await until(() => daemon.open() === 0);
});

test('of a list only what is on it is asked for', async () => {
  await writeFile(join(folder, 'ok'), `${sha256(CONTENT)}\n`);
  await start();
  await order('other.deb', { 'Expected-SHA256': sha256(WRONG) });
  await method.answer(201, `${mirror.url}/other.deb`);
  await order('listed.deb');
  await expectDelivered('listed.deb');
  expect(daemon.requests.map(({ fields }) => fields['URI'])).toEqual([`${mirror.url}/listed.deb`]);
});

test.each([
  ['is empty', (path: string) => writeFile(path, '')],
  ['is no list', (path: string) => writeFile(path, Buffer.alloc(100_000, 0xff))],
  ['never ends to be opened', (path: string) => runTool('mkfifo', [path], { maxOutput: 0 })],
  ['leads elsewhere', (path: string) => symlink('/dev/zero', path)],
])('a list that %s says nothing', async (_, make) => {
  await make(join(folder, 'ok'));
  await start();
  await order('a.deb');
  await expectDelivered('a.deb');
  expect(daemon.requests).toHaveLength(1);
});

test('a socket without a daemon, and none at all', async () => {
  await daemon.close();
  daemon = await startScriptedDaemon(join(folder, 'other'), MISS);
  closing(daemon);
  await start();
  await order('tiny_1_amd64.deb');
  await expectDelivered('tiny_1_amd64.deb');
});

test('after three failures in a row the daemon is left alone', async () => {
  daemon.answer = (_, socket) => socket.end();
  await start();
  for (let i = 1; i <= 5; i++) {
    await order(`tiny_${i}_amd64.deb`);
    await expectDelivered(`tiny_${i}_amd64.deb`);
  }
  expect(daemon.requests).toHaveLength(3);
});

test('refusals that have cost all patience are failures, early ones are not', async () => {
  daemon.answer = (request, socket) => {
    const seconds = request.fields['Filename']?.includes('late') === true ? 1.1 : 0;
    setTimeout(() => {
      MISS(request, socket);
    }, seconds * 1000);
  };
  await start('Acquire::Debshoal::Patience=1');
  const kinds = ['late', 'late', 'early', 'late', 'late', 'late', 'early', 'late'];
  for (const [i, kind] of kinds.entries()) {
    await order(`${kind}_${i}_amd64.deb`);
    await expectDelivered(`${kind}_${i}_amd64.deb`);
  }
  expect(daemon.requests).toHaveLength(6);
});

test('patience is the daemon’s own where apt’s configuration says nothing', async () => {
  await start();
  await order('tiny_1_amd64.deb');
  await expectDelivered('tiny_1_amd64.deb');
  expect(daemon.requests[0]?.fields).not.toHaveProperty('Patience');
});

test('a hundred at a time: sixty-four are asked for, and all come', async () => {
  const held: (() => void)[] = [];
  let most = 0;
  daemon.answer = (request, socket) => {
    const number = Number(/tiny_(\d+)/.exec(request.fields['Filename'] ?? '')?.[1]);
    held.push(() => {
      most = Math.max(most, daemon.open());
      (number % 2 === 0 ? give(CONTENT) : MISS)(request, socket);
    });
    if (daemon.requests.length >= 64) for (const release of held.splice(0)) release();
  };
  await start();
  const names = Array.from({ length: 100 }, (_, i) => `tiny_${i}_amd64.deb`);
  for (const name of names) await order(name);
  for (const name of names) await method.answer(201, `${mirror.url}/${name}`);
  expect(most).toBe(64);
  expect(requested()).toHaveLength(50);
  expect(await readdir(partial)).toHaveLength(100);
});

test('a package that comes again, after a redirect or a failure, is not asked for again', async () => {
  await start();
  await order('tiny_1_amd64.deb');
  await expectDelivered('tiny_1_amd64.deb');
  await rm(join(partial, 'tiny_1_amd64.deb'));
  await order('tiny_1_amd64.deb');
  await until(() => requested().length === 2);
  expect(daemon.requests).toHaveLength(1);
});

test('a daemon that hangs holds up a hundred packages no longer than one', async () => {
  daemon.answer = SILENCE;
  await start('Acquire::Debshoal::Silence=2');
  const names = Array.from({ length: 100 }, (_, i) => `tiny_${i}_amd64.deb`);
  for (const name of names) await order(name);
  for (const name of names) await method.answer(201, `${mirror.url}/${name}`);
  expect(daemon.requests).toHaveLength(64);
});

test('a daemon that hung once is not asked again', async () => {
  daemon.answer = SILENCE;
  await start('Acquire::Debshoal::Silence=1');
  for (const name of ['tiny_1_amd64.deb', 'tiny_2_amd64.deb']) {
    await order(name);
    await expectDelivered(name);
  }
  expect(daemon.requests).toHaveLength(1);
});

test('the beginning of an earlier download is still there for the mirror', async () => {
  daemon.answer = give(WRONG);
  await start();
  await writeFile(join(partial, 'tiny_1_amd64.deb'), CONTENT.subarray(0, 1000));
  await order('tiny_1_amd64.deb');
  await expectDelivered('tiny_1_amd64.deb');
  expect(mirror.requests[0]?.range).toBe('bytes=1000-');
});

test('a link in the place of our temporary file is not followed', async () => {
  daemon.answer = give(CONTENT);
  await start();
  await writeFile(join(folder, 'victim'), 'precious');
  await symlink(join(folder, 'victim'), join(partial, 'tiny_1_amd64.deb.debshoal'));
  await order('tiny_1_amd64.deb');
  await expectDelivered('tiny_1_amd64.deb');
  expect(await readFile(join(folder, 'victim'), 'utf8')).toBe('precious');
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s ends it, apt’s method, and what was half done',
  async (signal) => {
    daemon.answer = (_, socket) =>
      socket.write(`200 URI Start\nSize: ${CONTENT.length}\n\nsome bytes`);
    await start();
    await order('tiny_1_amd64.deb');
    await until(() => daemon.requests.length === 1);
    while ((await readdir(partial)).length === 0) await new Promise(setImmediate);
    method.kill(signal);
    expect(await method.ended).toBe(100);
    expect(await readdir(partial)).toEqual([]);
    await until(() => daemon.open() === 0);
  },
);

test('it ends when apt does', async () => {
  daemon.answer = (_, socket) =>
    socket.write(`200 URI Start\nSize: ${CONTENT.length}\n\nsome bytes`);
  await start();
  await order('tiny_1_amd64.deb');
  await until(() => daemon.requests.length === 1);
  method.end();
  await method.ended;
  expect(await readdir(partial)).toEqual([]);
});

test.each(['SIGSTOP', 'SIGKILL'] as const)(
  'apt’s method that computes hashes gets %s: the rest comes from the mirror',
  async (signal) => {
    daemon.answer = give(CONTENT);
    await start('Acquire::Debshoal::Silence=1');
    await order('tiny_1_amd64.deb');
    await expectDelivered('tiny_1_amd64.deb');
    const [, checker] = await childrenOf(method);
    process.kill(checker ?? 0, signal);
    for (const name of ['tiny_2_amd64.deb', 'tiny_3_amd64.deb']) {
      await order(name);
      await expectDelivered(name);
    }
    expect(requested()).toEqual(['/tiny_2_amd64.deb', '/tiny_3_amd64.deb']);
  },
);

test('it ends as apt’s method does', async () => {
  await start();
  const [stock] = await childrenOf(method);
  process.kill(stock ?? 0, 'SIGKILL');
  expect(await method.ended).toBe(100);
});

test.runIf(process.geteuid?.() === 0)('nothing is done as root', async () => {
  const { stdout } = await runTool('id', ['-u', '_apt'], { maxOutput: 100 });
  const uid = Number(stdout.toString());
  await chmod(folder, 0o755);
  await chown(partial, uid, 0);
  daemon.answer = give(CONTENT);
  await start('APT::Sandbox::User=_apt');
  await order('tiny_1_amd64.deb');
  await expectDelivered('tiny_1_amd64.deb');
  expect((await stat(join(partial, 'tiny_1_amd64.deb'))).uid).toBe(uid);
  const status = await readFile(`/proc/${method.pid}/status`, 'utf8');
  expect(/^Uid:\t(.*)$/m.exec(status)?.[1]).toBe(Array(4).fill(uid).join('\t'));
  expect(/^Groups:\t(.*)$/m.exec(status)?.[1]?.trim()).toBe('65534');
  expect(requested()).toEqual([]);
});
