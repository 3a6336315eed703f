import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import type { RebuildTask } from '../../client/confinement/rebuild-installed.js';

/*
 * What a worker might do after a delta has taken it over: the attack that the name of the old package
 * says, with its version as argument. It tells what it has achieved as the message of a failure.
 */

const task = JSON.parse(fs.readFileSync(0, 'utf8')) as RebuildTask;
const argument = task.old.version;
const folder = task.temporaryParent;

const tryEach = <T>(things: readonly T[], attempt: (thing: T) => unknown): string =>
  things
    .map((thing) => {
      try {
        attempt(thing);
        return 'done';
      } catch (error) {
        return error instanceof Error && 'code' in error ? String(error.code) : 'failed';
      }
    })
    .join(' ');

const fill = Buffer.alloc(1 << 20, 'x');

const ATTACKS: Readonly<Record<string, () => unknown>> = {
  connect: async () => {
    const socket = connect(/^\d+$/.test(argument) ? { port: +argument } : { path: argument });
    const reached = await Promise.race([
      once(socket, 'connect').then(() => 'connected'),
      once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code),
    ]).catch((error: unknown) => (error as NodeJS.ErrnoException).code);
    return reached;
  },
  write: () =>
    tryEach(argument.split(' '), (path) => {
      fs.writeFileSync(join(path, 'written'), 'x');
    }),
  read: () => tryEach(argument.split(' '), (path) => fs.readFileSync(path)),
  environment: () => Object.keys(process.env).sort().join(' '),
  processes: () => fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length,
  signal: () => tryEach(argument.split(' '), (pid) => process.kill(Number(pid), 'SIGTERM')),
  rights: () =>
    [process.getuid?.(), process.getgid?.(), ...(process.getgroups?.() ?? [])].join(' '),
  processStart: async () => {
    const child = spawn('/bin/true');
    return Promise.race([
      once(child, 'spawn').then(() => 'started'),
      once(child, 'error').then(([error]) => (error as NodeJS.ErrnoException).code),
    ]).catch((error: unknown) => (error as NodeJS.ErrnoException).code);
  },
  oneLargeFile: () => {
    const file = fs.openSync('large', 'w');
    for (;;) fs.writeSync(file, fill);
  },
  manyFiles: () => {
    for (let i = 0; ; i++) fs.writeFileSync(`file-${i}`, fill);
  },
  manyEmptyFiles: () => {
    for (let i = 0; ; i++) fs.writeFileSync(`file-${i}`, '');
  },
  memory: () => {
    const held: Buffer[] = [];
    for (;;) held.push(Buffer.alloc(1 << 26, 1));
  },
  sharedMemory: () => {
    const held: SharedArrayBuffer[] = [];
    for (;;) {
      const more = new SharedArrayBuffer(1 << 26);
      new Uint8Array(more).fill(1);
      held.push(more);
    }
  },
  spin: () => {
    for (;;);
  },
  sleep: () => new Promise(() => setInterval(() => undefined, 1000)),
  chatter: () => {
    for (;;) fs.writeSync(1, fill);
  },
  complain: () => {
    for (let i = 0; i < 100; i++) fs.writeSync(2, fill);
    process.exit(3);
  },
  say: () => {
    fs.writeSync(1, `${argument}\n`);
  },
  makeLink: () => {
    fs.symlinkSync(argument, task.target);
    claimSuccess();
  },
  makeFifo: () => {
    spawn('mkfifo', [task.target]).on('close', claimSuccess);
    return new Promise(() => undefined);
  },
  makeOther: () => {
    fs.writeFileSync(task.target, argument);
    fs.chmodSync(task.target, 0o6755);
    claimSuccess();
  },
  trapWhoCleansUp: () => {
    fs.mkdirSync('real');
    fs.symlinkSync(argument, 'link');
    claimSuccess();
    for (;;) {
      fs.renameSync('real', 'was-real');
      fs.renameSync('link', 'real');
      fs.renameSync('real', 'link');
      fs.renameSync('was-real', 'real');
    }
  },
  // Also from a process that has left the group and is not ended with it.
  writeOn: () => {
    const file = fs.openSync(task.target, 'w');
    fs.writeSync(file, Buffer.alloc(task.expected.size, 'a'), 0, task.expected.size, 0);
    const writer = `const end = Date.now() + 1500;
      const bytes = Buffer.alloc(${task.expected.size}, 'b');
      while (Date.now() < end) require('fs').writeSync(3, bytes, 0, bytes.length, 0);`;
    tryEach(['setsid'], () => {
      const stdio = ['ignore', 'ignore', 'ignore', file] as const;
      spawn(process.execPath, ['-e', writer], { stdio: [...stdio], detached: true });
    });
    claimSuccess();
    for (let i = 0; ; i++) {
      fs.writeSync(file, Buffer.alloc(task.expected.size, 98 + (i % 2)), 0, task.expected.size, 0);
    }
  },
};

function claimSuccess(): void {
  const seconds = { total: 1, read: 0, decode: 0, compress: 0, hash: 0, write: 0 };
  fs.writeSync(1, `${JSON.stringify({ ok: true, value: { seconds } })}\n`);
}

process.chdir(folder);
let message: string;
try {
  message = String(await ATTACKS[task.old.package]?.());
} catch (error) {
  message = error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
fs.writeSync(1, `${JSON.stringify({ ok: false, code: 'delta-damaged', message })}\n`);
